import {
  type Committee,
  createState,
  type Effect,
  type EngineEvent,
  type EngineInit,
  type EngineState,
  headerDigest,
  type LogRecord,
  type Message,
  type Operation,
  payloadFacts,
  recover,
  STATE_ROOTS_MAX,
  step,
  taggedDigest,
  type TimerName,
  type Want,
  type BatchItem,
} from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { type AppliedEntry, SimulatedDisk } from './disk.ts'
import type { FaultCounters } from './fault-counters.ts'
import { INVALID_MARK } from './invalid-mark.ts'
import type { Plan } from './plan.ts'

/** What a host tells of itself, to be checked and sent on. */
export interface HostObserver {
  stepped(host: LedgerHost, event: EngineEvent, effects: readonly Effect[]): void
  synced(host: LedgerHost, records: readonly LogRecord[]): void
  /** A message leaves the process. */
  left(host: LedgerHost, to: readonly number[], message: Message): void
  applied(host: LedgerHost, entry: AppliedEntry): void
  restarted(host: LedgerHost): void
  crashed(host: LedgerHost, reason: string): void
}

interface Held {
  readonly to: readonly number[]
  readonly message: Message
  readonly after: number
}

/** One replica's process: runs the engine and does what it says, on a simulated disk and network. */
export class LedgerHost {
  readonly node: number
  readonly disk = new SimulatedDisk()
  readonly #init: EngineInit
  readonly #kernel: Kernel
  readonly #plan: Plan
  readonly #dice: Dice
  readonly #observer: HostObserver
  readonly #counters: FaultCounters
  readonly #nodeOf: (peer: string) => number
  readonly #skewMs: number
  state: EngineState | undefined
  #life = 0
  /** A seat of the adversary lets invalid operations pass. */
  readonly #lenient: boolean
  #paused = false
  #healed = false
  #inbox: EngineEvent[] = []
  #held: Held[] = []
  #syncing = false
  #tokenWritten = 0
  #tokenDurable = 0
  #timers = new Map<TimerName, number>()
  #root = taggedDigest('simulated-state')
  #effects = new Map<string, number>()
  /** What its operator told it last. */
  #candidate: Committee | undefined
  /** Keys whose time is over: a crash does not bring them back. */
  readonly #erased = new Set<string>()

  constructor(
    node: number,
    init: EngineInit,
    world: { kernel: Kernel; plan: Plan; dice: Dice; observer: HostObserver; counters: FaultCounters; nodeOf: (peer: string) => number },
  ) {
    this.node = node
    this.#init = { ...init, signerOf: (publicKey) => (this.#erased.has(keyName(publicKey)) ? undefined : init.signerOf(publicKey)) }
    this.#kernel = world.kernel
    this.#plan = world.plan
    this.#dice = world.dice
    this.#observer = world.observer
    this.#counters = world.counters
    this.#nodeOf = world.nodeOf
    this.#lenient = world.plan.byzantine.includes(node)
    this.#skewMs = world.plan.clockSkewMs === 0 ? 0 : world.dice.between(-world.plan.clockSkewMs, world.plan.clockSkewMs)
  }

  get running(): boolean {
    return this.state !== undefined
  }

  /** How often it was started. */
  get life(): number {
    return this.#life
  }

  heal(): void {
    this.#healed = true
    this.resume()
  }

  start(): void {
    if (this.running) return
    this.#life++
    this.#replayStore()
    const last = this.disk.applied.at(-1)
    const applied =
      last === undefined
        ? undefined
        : {
            point: last.point,
            stateRoot: last.stateRoot,
            recent: [...this.#effects.keys()],
            roots: new Map(this.disk.applied.slice(-STATE_ROOTS_MAX).map(({ point, stateRoot }) => [point.height, stateRoot])),
          }
    this.state =
      this.disk.records.length === 0 && applied === undefined ? createState(this.#init) : recover(this.#init, this.disk.records, applied)
    this.#observer.restarted(this)
    this.#step({ type: 'start' })
    if (this.#candidate !== undefined) this.#step({ type: 'reconfigure', committee: this.#candidate })
  }

  crash(reason: string): void {
    if (!this.running) return
    this.state = undefined
    this.#life++
    this.#paused = false
    this.#inbox = []
    this.#held = []
    this.#syncing = false
    this.#tokenWritten = 0
    this.#tokenDurable = 0
    this.#timers = new Map()
    if (this.disk.crash(this.#dice)) this.#counters.count('torn-write')
    this.#observer.crashed(this, reason)
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    const inbox = this.#inbox
    this.#inbox = []
    for (const event of inbox) this.handle(event)
  }

  reconfigure(committee: Committee): void {
    this.#candidate = committee
    this.handle({ type: 'reconfigure', committee })
  }

  submit(operation: Operation): void {
    if (this.#lenient || isValid(operation)) this.handle({ type: 'submit', operation })
  }

  receive(from: string, message: Message): void {
    const checked =
      message.type === 'operations' && !this.#lenient ? { ...message, operations: message.operations.filter(isValid) } : message
    this.handle({ type: 'received', from, message: checked })
  }

  handle(event: EngineEvent): void {
    if (!this.running) return
    if (this.#paused) {
      // A stopped process reads nothing; what the system queues for it is bounded.
      if (this.#inbox.length < 500) this.#inbox.push(event)
      return
    }
    this.#step(event)
  }

  #step(event: EngineEvent): void {
    if (this.state === undefined) return
    const effects = step(this.state, Math.max(0, 1_000_000 + this.#kernel.now + this.#skewMs), event)
    this.#observer.stepped(this, event, effects)
    for (const effect of effects) this.#perform(effect)
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        this.disk.write(effect.records, effect.token)
        this.#tokenWritten = effect.token
        return this.#sync()
      case 'send':
        return this.#send(effect.to.map(this.#nodeOf), effect.message, effect.after ?? 0)
      case 'fetch':
        return this.#send([this.#nodeOf(effect.from)], { type: 'fetch', want: effect.want }, 0)
      case 'serve':
        return this.#serve(this.#nodeOf(effect.to), effect.want)
      case 'setTimer':
        return this.#setTimer(effect.timer, effect.id, effect.afterMs)
      case 'validate': {
        const valid = this.#lenient || effect.payload.every(isValid)
        return this.#later(this.#dice.between(0, this.#plan.validationMsMax), { type: 'validated', root: effect.root, valid })
      }
      case 'apply':
        return this.#apply(effect)
      case 'eraseKey':
        this.#erased.add(keyName(effect.publicKey))
        return
      case 'emit':
        return
      default:
        effect satisfies never
    }
  }

  #send(to: readonly number[], message: Message, after: number): void {
    if (after > this.#tokenDurable) this.#held.push({ to, message, after })
    else this.#observer.left(this, to, message)
  }

  /** One sync at a time; what is written meanwhile goes with the next. */
  #sync(): void {
    if (this.#syncing) return
    this.#syncing = true
    const { slowSync, syncMsMax, syncFailure, diskFull } = this.#plan
    const slow = !this.#healed && this.#dice.chance(slowSync) ? 400 : 0
    if (slow > 0) this.#counters.count('slow-sync')
    const full = !this.#healed && this.#dice.chance(diskFull)
    const fails = !this.#healed && this.#dice.chance(syncFailure)
    const mark = this.disk.mark()
    const token = this.#tokenWritten
    const life = this.#life
    this.#kernel.schedule(this.#dice.between(0, syncMsMax) + slow, () => {
      if (life !== this.#life) return
      // An error of a sync says nothing about what is on disk: the process must not go on.
      if (fails && !this.#healed) {
        this.#counters.count('failed-sync')
        return this.crash('its disk failed to sync')
      }
      if (full && !this.#healed) {
        this.#counters.count('disk-full')
        this.disk.refuse()
        return this.crash('its disk is full')
      }
      this.#syncing = false
      this.#observer.synced(this, this.disk.sync(mark))
      this.#tokenDurable = token
      const held = this.#held
      this.#held = held.filter(({ after }) => after > token)
      for (const { to, message, after } of held) if (after <= token) this.#observer.left(this, to, message)
      if (token < this.#tokenWritten) this.#sync()
      this.handle({ type: 'durable', token })
    })
  }

  #setTimer(timer: TimerName, id: number, afterMs: number): void {
    this.#timers.set(timer, id)
    const life = this.#life
    this.#kernel.schedule(afterMs, () => {
      if (life === this.#life && this.#timers.get(timer) === id) this.handle({ type: 'timer', timer, id })
    })
  }

  #later(delayMs: number, event: EngineEvent): void {
    const life = this.#life
    this.#kernel.schedule(delayMs, () => {
      if (life === this.#life) this.handle(event)
    })
  }

  /** The state machine: an operation takes effect the first time that it is in a final block. */
  #apply({ point, payload, after }: Extract<Effect, { readonly type: 'apply' }>): void {
    const operations = payload.map(({ id }) => id).filter((id) => !this.#effects.has(id))
    for (const id of operations) this.#effects.set(id, point.height)
    this.#root = taggedDigest('simulated-state', Buffer.from(`${this.#root}/${point.height}/${operations.join(',')}`))
    const entry: AppliedEntry = { point, stateRoot: this.#root, operations }
    this.disk.apply(entry, after)
    this.#observer.applied(this, entry)
    this.#later(0, { type: 'applied', height: point.height, stateRoot: this.#root })
  }

  #replayStore(): void {
    this.#effects = new Map()
    for (const { point, operations } of this.disk.applied) for (const id of operations) this.#effects.set(id, point.height)
    this.#root = this.disk.applied.at(-1)?.stateRoot ?? taggedDigest('simulated-state')
  }

  /** From the log, what the engine no longer holds. */
  #serve(to: number, want: Want): void {
    if (want.type === 'payload') {
      for (const record of this.disk.records) {
        if (record.type !== 'payload' || payloadFacts(record.payload).root !== want.root) continue
        return this.#send([to], { type: 'payload', payload: record.payload }, 0)
      }
      return
    }
    if (want.type !== 'sync') return
    const wanted = new Map(
      this.disk.applied.filter(({ point }) => point.height > want.height).map(({ point }) => [point.digest, point.height]),
    )
    const blocks = new Map<number, BatchItem>()
    const certificates = new Map<string, BatchItem['certificate']>()
    for (const record of this.disk.records) {
      if (record.type === 'certificate') certificates.set(record.certificate.digest, record.certificate)
      if (record.type !== 'block') continue
      const height = wanted.get(headerDigest(record.proposal.header))
      if (height !== undefined) blocks.set(height, { proposal: record.proposal })
    }
    const items: BatchItem[] = []
    for (let height = want.height + 1; blocks.has(height) && items.length < 64; height++) {
      const { proposal } = blocks.get(height)!
      const certificate = proposal && certificates.get(headerDigest(proposal.header))
      items.push({ ...(proposal && { proposal }), ...(certificate && { certificate }) })
    }
    this.#send([to], { type: 'batch', items, height: this.disk.applied.at(-1)?.point.height ?? 0 }, 0)
  }
}

function keyName(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString('hex')
}

function isValid({ body }: Operation): boolean {
  return body[0] !== INVALID_MARK
}
