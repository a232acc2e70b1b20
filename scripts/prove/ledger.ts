import { setTimeout as delay } from 'node:timers/promises'
import { ed25519Signer } from '@cairn/ledger'
import { checkHistory, type HistoryOperation } from '@cairn/ledger/testing'
import { readLedgerFile, type StatusResponse } from '@cairn/replica'
import { type Random, randomBelow, seededRandom } from '@cairn/runtime'
import { Scene } from '../../test/e2e/harness.ts'
import { Load, nowMs } from './ledger-load.ts'
import { provePartition } from './ledger-partition.ts'
import { Seats } from './ledger-seats.ts'
import type { Claim, Proof } from './proof.ts'

const SEATS = 7
const CLIENTS = 8
const DOWN_MS_MAX = 500
const PAUSES = 5
const PAUSE_MS = 2000
/** Answers after each blow that show that the others go on, or the ledger again. */
const ANSWERS = 10
const PATIENCE_MS = 120_000
/** How long nothing may happen while too few seats vote: several times the timers that would make it happen. */
const STILL_MS = 6000

/** Seven seats as processes, of which everything happens to some that the committee is made to bear. */
export const proveLedger: Proof = async ({ kills, seed }) => {
  await using scene = await Scene.create()
  const random = seededRandom(seed)
  const seats = await Seats.create(scene, 'bft-7', SEATS)
  const { ledger } = await readLedgerFile(seats.directory)
  await Promise.all(Array.from({ length: SEATS }, (_, seat) => seats.start(seat)))
  const all = Array.from({ length: SEATS }, (_, seat) => seats.client(seat))
  const load = new Load({ ledger, clients: CLIENTS, seed, seats: all })
  const goesOn = async (): Promise<void> => {
    const before = load.answered
    await until('an answer to a client', () => load.answered >= before + ANSWERS)
  }
  await goesOn()

  for (let kill = 0; kill < kills; kill++) {
    const [one, other] = twoOf(random, [...all.keys()])
    await Promise.all([seats.kill(one), seats.kill(other)])
    await delay(randomBelow(random, DOWN_MS_MAX))
    await Promise.all([seats.start(one), seats.start(other)])
    await goesOn()
    console.log(`kill ${kill + 1}: seats ${one} and ${other}; ${load.answered} operations answered`)
  }

  for (let pause = 0; pause < PAUSES; pause++) {
    const seat = randomBelow(random, SEATS)
    seats.pause(seat)
    await delay(PAUSE_MS)
    await goesOn()
    seats.resume(seat)
    console.log(`pause ${pause + 1}: seat ${seat}; ${load.answered} operations answered`)
  }

  const wiped = randomBelow(random, SEATS)
  await seats.kill(wiped)
  await seats.wipe(wiped)
  const learner = await seats.start(wiped)
  const isLearner = learner.eventsOf('learner').length === 1
  await goesOn()
  const target = heightOf(await seats.statuses())
  await until('the wiped seat catches up', async () => ((await seats.statuses())[wiped]?.height ?? 0) >= target)
  console.log(`seat ${wiped} lost its disk, and caught up to height ${target}`)

  // Four honest seats and one with a wrong key would be a quorum of five, if its votes counted.
  const [impostor, absent] = twoOf(
    random,
    [...all.keys()].filter((seat) => seat !== wiped),
  )
  await Promise.all([seats.kill(impostor), seats.kill(absent)])
  await seats.start(impostor, await seats.impostor(impostor, (key) => ed25519Signer(key).publicKey, Buffer.alloc(32, 7)))
  await delay(STILL_MS)
  const before = progressOf(await seats.statuses(), impostor)
  await delay(STILL_MS)
  const after = progressOf(await seats.statuses(), impostor)
  await seats.start(absent)
  await goesOn()
  console.log(`seat ${impostor} with a wrong key: ${before}, then ${after}; then ${absent} came back`)
  await seats.kill(impostor)
  await seats.start(impostor)
  await goesOn()
  await load.stop()

  const last = await settled(seats)
  const roots = new Set(last.map(({ stateRoot }) => stateRoot))
  const lost = await missing(load, seats)
  const reads = await finalReads(load.history, seats)
  const verdict = checkHistory([...load.history, ...reads])
  if (verdict.type === 'violation') console.log(verdict.report)
  const unknown = load.history.filter(({ answer }) => answer.type === 'unknown').length
  const partition = await provePartition(scene, seed)
  const claims: readonly Claim[] = [
    { claim: `${load.answered} operations were answered while two of seven seats were killed, ${kills} times`, holds: load.answered > 0 },
    { claim: `a seat that lost its disk follows, signs nothing, and has the whole ledger again`, holds: isLearner },
    { claim: `no slot ends by four seats and one with a wrong key`, holds: before === after },
    {
      claim: `of ${load.acknowledged.size} acknowledged keys ${lost.length} are lost`,
      holds: lost.length === 0 && load.acknowledged.size > 0,
    },
    {
      claim: `what clients were told is ${verdict.type}: ${load.history.length} operations, ${unknown} with unknown ends, ${reads.length} reads`,
      holds: verdict.type === 'linearizable',
    },
    {
      claim: `all ${last.length} seats have one state root at height ${last[0]?.height}`,
      holds: roots.size === 1 && last.length === SEATS,
    },
    ...partition,
  ]
  return claims
}

function twoOf(random: Random, seats: readonly number[]): readonly [number, number] {
  const first = randomBelow(random, seats.length)
  const second = (first + 1 + randomBelow(random, seats.length - 1)) % seats.length
  return [seats[first] ?? 0, seats[second] ?? 0]
}

/** @throws {Error} if it does not hold within the patience that everything here has */
async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const started = nowMs()
  while (!(await holds())) {
    if (nowMs() - started > PATIENCE_MS) throw new Error(`still waiting for ${what}`)
    await delay(50)
  }
}

function heightOf(statuses: readonly (StatusResponse | undefined)[]): number {
  return Math.max(...statuses.map((status) => status?.height ?? 0))
}

/** Slot and height of all seats but one, for comparing. */
function progressOf(statuses: readonly (StatusResponse | undefined)[], without: number): string {
  const known = statuses.filter((status, seat) => seat !== without && status !== undefined)
  return `slot ${Math.max(...known.map((status) => status?.slot ?? 0))}, height ${heightOf(known)}`
}

/** All seats, asked at one height: without clients there is a block every few seconds, so some answers are of one. */
async function settled(seats: Seats): Promise<readonly StatusResponse[]> {
  let last: readonly StatusResponse[] = []
  await until('all seats to be at one height', async () => {
    const statuses = await seats.statuses()
    last = statuses.filter((status) => status !== undefined)
    return last.length === seats.count && new Set(last.map(({ height }) => height)).size === 1
  })
  return last
}

/** Keys whose write was acknowledged and that some seat does not have, now that all are at one height. */
async function missing({ acknowledged }: Load, seats: Seats): Promise<readonly string[]> {
  const lost: string[] = []
  for (const [index, [key, value]] of [...acknowledged].entries()) {
    const found = await seats.client(index % seats.count).read(Buffer.from(key))
    if (found.value === undefined || Buffer.from(found.value).toString() !== value) lost.push(key)
  }
  return lost
}

async function finalReads(history: readonly HistoryOperation[], seats: Seats): Promise<readonly HistoryOperation[]> {
  const reads: HistoryOperation[] = []
  for (const key of new Set(history.map((operation) => operation.key))) {
    const invokedAt = nowMs()
    const { value } = await seats.client(reads.length % seats.count).read(Buffer.from(key))
    const answer = { type: 'value', value: value && Buffer.from(value).toString() } as const
    reads.push({ client: 'reader', key, call: { type: 'read' }, answer, invokedAt, respondedAt: nowMs() })
  }
  return reads
}
