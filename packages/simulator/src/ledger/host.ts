import {
  type ChainPoint,
  type Committee,
  createState,
  type Effect,
  type EngineEvent,
  type EngineInit,
  type EngineState,
  type LogRecord,
  type Message,
  type Operation,
  recover,
  standingRecords,
  STATE_ROOTS_MAX,
  step,
  taggedDigest,
  type TimerName,
  type Want,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { LogMarks } from '@cairn/replica/log'
import type { Dice } from '../kernel/dice.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { type Anchor, type AppliedEntry, SimulatedDisk } from './disk.ts'
import type { FaultCounters } from './fault-counters.ts'
import { INVALID_MARK } from './invalid-mark.ts'
import type { Plan } from './plan.ts'
import { answerFromDisk } from './served-blocks.ts'

/** What a host tells of itself, to be checked and sent on. */
export interface HostObserver {
  stepped(host: LedgerHost, event: EngineEvent, effects: readonly Effect[]): void
  synced(host: LedgerHost, records: readonly LogRecord[]): void
  /** A message leaves the process. */
  left(host: LedgerHost, to: readonly number[], message: Message): void
  applied(host: LedgerHost, entry: AppliedEntry): void
  restarted(host: LedgerHost): void
  crashed(host: LedgerHost, reason: string): void
  /** Its log has forgotten what it does not need behind `anchor`. */
  pruned(host: LedgerHost, anchor: Anchor): void
  /** A fetched state is on its disk, and it will go on from there. */
  installed(host: LedgerHost, anchor: Anchor): void
  /** It has not got on for a while. */
  stuck(host: LedgerHost): void
}

interface Held {
  readonly to: readonly number[]
  readonly message: Message
  readonly after: number
}

/** How often a replica looks whether it gets on. */
const ASK_MS = 150

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
  #isGone = false
  #inbox: EngineEvent[] = []
  #held: Held[] = []
  #syncing = false
  #tokenWritten = 0
  #tokenDurable = 0
  #timers = new Map<TimerName, number>()
  #root = taggedDigest('simulated-state')
  #effects = new Map<string, number>()
  /** Which of its log is still needed, in runs in which any of it is forgotten. */
  #marks: LogMarks | undefined
  /** What is to be forgotten as soon as the log is on disk up to number `seq`. */
  #pruning: { readonly keepFrom: number; readonly anchor: Anchor; readonly seq: number } | undefined
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
    if (this.running || this.#isGone) return
    this.#life++
    this.#replayStore()
    const { records, anchor, firstSeq } = this.disk
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
    const init = anchor === undefined ? this.#init : { ...this.#init, start: anchor.start }
    this.state = records.length === 0 && applied === undefined ? createState(init) : recover(init, records, applied, anchor?.point)
    if (this.#plan.pruneEveryMs > 0) {
      this.#marks = new LogMarks()
      for (const [index, record] of records.entries()) this.#marks.note(record, firstSeq + index, 0)
      this.#watch(-1)
    }
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
    this.#pruning = undefined
    if (this.disk.crash(this.#dice)) this.#counters.count('torn-write')
    this.#observer.crashed(this, reason)
  }

  /** It does not come back. */
  stopForGood(): void {
    this.crash('stopped for good')
    this.#isGone = true
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

  /** Forgets of its log what it does not need behind a checkpoint that it has on disk, and that enough others have. */
  prune(anchor: Anchor): void {
    if (this.state === undefined || this.#marks === undefined || this.#pruning !== undefined) return
    const keepFrom = Math.min(this.#marks.neededAfter(anchor.point.slot), this.disk.nextSeq)
    this.disk.write(standingRecords(this.state), this.#tokenWritten)
    this.#pruning = { keepFrom, anchor, seq: this.disk.nextSeq }
    this.#sync()
  }

  /** The newest state here of a checkpoint that this replica can make: not behind its epoch's end, no higher than `heightMax`, and on disk. */
  checkpointUpTo(heightMax: number): Anchor | undefined {
    const epoch = this.state?.epoch
    const max = Math.min(heightMax, this.disk.durableHeight)
    const isOne = ({ epoch: of, height, nextCommittee }: ChainPoint): boolean =>
      of === epoch?.number && height <= max && nextCommittee === ZERO_DIGEST
    const found = epoch && this.disk.applied.findLast(({ point }) => isOne(point))
    return found && found.point.height > (this.disk.anchor?.point.height ?? 0) ? { start: epoch, point: found.point } : undefined
  }

  /** Height up to which it has applied blocks. */
  get appliedHeight(): number {
    return Math.max(this.state?.applied ?? 0, this.disk.applied.at(-1)?.point.height ?? 0)
  }

  /** The state of `anchor` was fetched: it takes the place of the one here, and then the engine is told, unless a crash comes between. */
  install(anchor: Anchor, applied: readonly AppliedEntry[]): void {
    const last = applied.at(-1)
    if (!this.running || this.#paused || last === undefined || anchor.point.height <= this.appliedHeight) return
    this.disk.install(anchor, applied)
    this.#counters.count('state-installed')
    if (this.state !== undefined && anchor.start.number > this.state.epoch.number) this.#counters.count('state-of-later-epoch')
    if (!this.#healed && this.#dice.chance(200)) {
      this.#counters.count('state-cut-short')
      return this.crash('killed before it knew of the state that it fetched')
    }
    this.#replayStore()
    this.#observer.installed(this, anchor)
    const recent = [...this.#effects.keys()]
    this.#step({ type: 'installed', snapshot: { ...anchor, stateRoot: last.stateRoot, recent } })
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
        for (const [index, record] of effect.records.entries()) {
          this.#marks?.note(record, this.disk.nextSeq + index, this.state?.current ?? 0)
        }
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
      this.#forgetPruned()
      const held = this.#held
      this.#held = held.filter(({ after }) => after > token)
      for (const { to, message, after } of held) if (after <= token) this.#observer.left(this, to, message)
      if (token < this.#tokenWritten || this.#pruning !== undefined) this.#sync()
      this.handle({ type: 'durable', token })
    })
  }

  #forgetPruned(): void {
    if (this.#pruning === undefined || this.#pruning.seq > this.disk.durableSeq) return
    const { keepFrom, anchor } = this.#pruning
    this.#pruning = undefined
    this.disk.forget(keepFrom, anchor)
    this.#counters.count('log-pruned')
    this.#observer.pruned(this, anchor)
  }

  /** Asks for a way if nothing was applied since it last looked, at height `before`. */
  #watch(before: number): void {
    const life = this.#life
    this.#kernel.schedule(ASK_MS, () => {
      if (life !== this.#life) return
      const height = this.appliedHeight
      if (height === before && !this.#paused) this.#observer.stuck(this)
      if (life === this.#life) this.#watch(height)
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

  #serve(to: number, want: Want): void {
    const message = answerFromDisk(this.disk, want)
    if (message !== undefined) this.#send([to], message, 0)
  }

  #replayStore(): void {
    this.#effects = new Map()
    for (const { point, operations } of this.disk.applied) for (const id of operations) this.#effects.set(id, point.height)
    this.#root = this.disk.applied.at(-1)?.stateRoot ?? taggedDigest('simulated-state')
  }
}

function keyName(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString('hex')
}

function isValid({ body }: Operation): boolean {
  return body[0] !== INVALID_MARK
}
