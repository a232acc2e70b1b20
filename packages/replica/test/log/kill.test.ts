import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { ReplicaLog } from '../../src/log/log.ts'

const PROCESS = fileURLToPath(new URL('appending-process.ts', import.meta.url))
const KILLS = 4
/** Lines after which the process is killed: some hundred records, several segments. */
const LINES = [150, 700, 20, 400]

describe('a process that is killed while it appends', () => {
  let directory = ''
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'cairn-log-'))
  })
  after(() => rm(directory, { recursive: true, force: true }))

  it('has lost nothing that it acknowledged', async () => {
    let known = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const child = spawn(process.execPath, [PROCESS, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
      const exited = once(child, 'exit')
      const durable = new Set<number>()
      let found = -1
      let lines = 0
      for await (const line of createInterface({ input: child.stdout })) {
        const [word, number] = line.split(' ')
        if (word === 'found') found = Number(number)
        // The last line may be half of one.
        else if (word === 'durable' && number !== undefined) durable.add(Number(number))
        if (++lines === LINES[kill]) child.kill('SIGKILL')
      }
      assert.deepEqual((await exited)[1], 'SIGKILL')
      assert.ok(found >= known, `${found} of ${known} found`)
      const numbers = await read(directory)
      for (const number of durable) assert.equal(numbers[number], number)
      known = numbers.length
    }
    assert.ok((await readdir(directory)).filter((name) => name.endsWith('.wal')).length > 3)
  })

  it('is told from one whose disk lost something', async () => {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.wal')).toSorted()
    const path = join(directory, names[1]!)
    const bytes = await readFile(path)
    bytes[1000]! ^= 4
    await writeFile(path, bytes)
    await assert.rejects(read(directory), /must not sign again/)
    assert.deepEqual(await readFile(path), bytes)
  })
})

/** The numbers in the log, each checked against its body. */
async function read(directory: string): Promise<readonly number[]> {
  const numbers: number[] = []
  await using log = await ReplicaLog.open({
    directory,
    segmentBytes: 64 * 1024,
    onRecord: ({ entries }) => {
      for (const { body } of entries) {
        const number = Number(Buffer.from(body).readBigUInt64BE())
        assert.equal(body.byteLength, 8 + (number % 700))
        assert.ok(body.subarray(8).every((byte) => byte === number % 256))
        numbers.push(number)
      }
    },
    onFailure: assert.fail,
  })
  assert.ok(log.lastSeq > 0)
  return numbers
}
