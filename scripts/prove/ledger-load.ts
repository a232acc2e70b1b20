import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { type Action, ed25519Signer, encodeOperation, type LedgerId, type Operation } from '@cairn/ledger'
import type { HistoryOperation, RegisterAnswer, RegisterCall } from '@cairn/ledger/testing'
import { type Random, randomBelow, seededRandom } from '@cairn/runtime'
import type { LedgerClient, SubmitOutcome } from '@cairn/replica'

export interface LoadInit {
  readonly ledger: LedgerId
  readonly clients: number
  /** What the clients' names begin with. */
  readonly name?: string
  readonly seed: string
  /** One client for each seat. */
  readonly seats: readonly LedgerClient[]
}

/** Keys that are written at once; they change as time goes on, so that each has a history of some hundred operations. */
const KEYS = 4
const OPERATIONS_PER_KEY = 150
/** How long a client waits for one answer, and between two operations. */
const ANSWER_MS = 3000
const THINK_MS_MAX = 20
/** A client that knows nothing asks another seat, with the same operation, this often. */
const ATTEMPTS_MAX = 3
/** More than the proof comes to, and within what a ledger remembers. */
const LIFETIME_HEIGHTS = 60_000

/** Clients that write all the time, and what they were told. */
export class Load {
  readonly history: HistoryOperation[] = []
  /** Keys that were written once, by an operation that was acknowledged, and what was. */
  readonly acknowledged = new Map<string, string>()
  readonly #init: LoadInit
  readonly #clients: readonly Promise<void>[]
  #answered = 0
  #stopped = false

  constructor(init: LoadInit) {
    this.#init = init
    this.#clients = Array.from({ length: init.clients }, (_, index) => this.#run(`${init.name ?? 'c'}${index}`))
  }

  /** Operations that were acknowledged. */
  get answered(): number {
    return this.#answered
  }

  /** Resolves when every client has its last answer, or has given up on it. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#clients)
  }

  async #run(client: string): Promise<void> {
    const random = seededRandom(`${this.#init.seed}/${client}`)
    for (let count = 0; !this.#stopped; count++) {
      if (count % 2 === 0) await this.#writeOnce(`${client}/${count}`, random)
      else await this.#useRegister(client, random)
      await delay(randomBelow(random, THINK_MS_MAX))
    }
  }

  async #writeOnce(key: string, random: Random): Promise<void> {
    const value = `of ${key}`
    const answer = await this.#submit({ type: 'put', key: Buffer.from(key), value: Buffer.from(value) }, random)
    if (answer?.type !== 'applied') return
    this.acknowledged.set(key, value)
    this.#answered++
  }

  async #useRegister(client: string, random: Random): Promise<void> {
    const key = `r${Math.floor(this.history.length / (KEYS * OPERATIONS_PER_KEY))}-${randomBelow(random, KEYS)}`
    const [value, expected] = [String(randomBelow(random, 4)), String(randomBelow(random, 4))]
    const kind = randomBelow(random, 8)
    const call: RegisterCall =
      kind === 0 ? { type: 'write', value: undefined } : kind < 3 ? { type: 'write', value } : { type: 'compare-and-set', expected, value }
    const invokedAt = nowMs()
    const answer = await this.#submit(actionOf(call, Buffer.from(key)), random)
    if (answer === undefined) return
    this.history.push({ client, key, call, answer, invokedAt, respondedAt: nowMs() })
    if (answer.type !== 'unknown') this.#answered++
  }

  /** `undefined` if it is known to have had no effect. */
  async #submit(action: Action, random: Random): Promise<RegisterAnswer | undefined> {
    const { ledger, seats } = this.#init
    const operation = signed(ledger, action)
    let mayHaveApplied = false
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const outcome = await submitted(seats[randomBelow(random, seats.length)], operation)
      if (outcome.type === 'final' && (outcome.result.type === 'applied' || outcome.result.type === 'conflict'))
        return { type: outcome.result.type }
      if (outcome.type === 'final' || outcome.type === 'invalid') throw new Error(`an operation is ${JSON.stringify(outcome)}`)
      if (outcome.type === 'unknown') mayHaveApplied = true
    }
    return mayHaveApplied ? { type: 'unknown' } : undefined
  }
}

async function submitted(client: LedgerClient | undefined, operation: Operation): Promise<SubmitOutcome> {
  try {
    return (await client?.submit(operation, AbortSignal.timeout(ANSWER_MS))) ?? { type: 'unknown' }
  } catch {
    // Dead, paused or cut off: nobody knows.
    await delay(THINK_MS_MAX)
    return { type: 'unknown' }
  }
}

/** Of a clock that all processes of this machine share. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

const CLIENT = ed25519Signer(randomBytes(32))

function signed(ledger: LedgerId, action: Action): Operation {
  return encodeOperation(ledger, { client: CLIENT.publicKey, nonce: randomBytes(16), lastHeight: LIFETIME_HEIGHTS, action }, CLIENT)
}

function actionOf(call: RegisterCall, key: Uint8Array): Action {
  if (call.type !== 'compare-and-set') {
    const value = call.type === 'write' ? call.value : undefined
    return value === undefined ? { type: 'delete', key } : { type: 'put', key, value: Buffer.from(value) }
  }
  const expected = call.expected && createHash('sha256').update(call.expected).digest('hex')
  return { type: 'compare-and-set', key, expected, value: Buffer.from(call.value ?? '') }
}
