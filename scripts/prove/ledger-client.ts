// Clients of one seat, as a process that can live where only that seat is reached.
// Usage: node scripts/prove/ledger-client.ts LEDGER-FILE-DIRECTORY URL NAME SEED
// Prints the seat's status, and the operations answered, twice a second. SIGINT: writes no more, and prints its history.
// SIGHUP: reads what was acknowledged, prints how many of it are missing, and ends.
import { setTimeout as delay } from 'node:timers/promises'
import { LedgerClient, readLedgerFile } from '@cairn/replica'
import { Load } from './ledger-load.ts'

const CLIENTS = 2
const STATUS_MS = 500
const ANSWER_MS = 2000

const [directory = '', url = '', name = '', seed = ''] = process.argv.slice(2)
const { ledger } = await readLedgerFile(directory)
const seat = new LedgerClient(url)
const load = new Load({ ledger, clients: CLIENTS, name, seed, seats: [seat] })

process.once('SIGINT', () => void tellHistory())
let isOver = false
process.once('SIGHUP', () => void tellMissing())
while (!isOver) {
  const status = await seat.status(AbortSignal.timeout(ANSWER_MS)).catch(() => undefined)
  if (status !== undefined) say({ type: 'status', answered: load.answered, height: status.height, stateRoot: status.stateRoot })
  await delay(STATUS_MS)
}

async function tellHistory(): Promise<void> {
  await load.stop()
  say({ type: 'history', history: load.history })
}

async function tellMissing(): Promise<void> {
  say({ type: 'kept', acknowledged: load.acknowledged.size, missing: await missing() })
  isOver = true
}

async function missing(): Promise<number> {
  let count = 0
  for (const [key, value] of load.acknowledged) {
    const found = await seat.read(Buffer.from(key))
    if (found.value === undefined || Buffer.from(found.value).toString() !== value) count++
  }
  return count
}

function say(event: Readonly<Record<string, unknown>>): void {
  console.log(JSON.stringify(event))
}
