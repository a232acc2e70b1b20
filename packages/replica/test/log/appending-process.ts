// A process that appends numbered entries to the log in its first argument and says which are durable, until it is killed.
import { writeSync } from 'node:fs'
import { ReplicaLog } from '../../src/log/log.ts'

let next = 0
const log = await ReplicaLog.open({
  directory: process.argv[2] ?? '',
  segmentBytes: 64 * 1024,
  onRecord: ({ entries }) => (next += entries.length),
  onFailure: (error) => {
    throw error
  },
})
writeSync(1, `found ${next}\n`)

// Several at once, as many seats' messages arrive in one turn.
await Promise.all(Array.from({ length: 4 }, appendForEver))

async function appendForEver(): Promise<void> {
  for (;;) {
    const number = next++
    const body = Buffer.alloc(8 + (number % 700), number % 256)
    body.writeBigUInt64BE(BigInt(number))
    await log.append({ type: 1, body })
    writeSync(1, `durable ${number}\n`)
  }
}
