import {
  applyBlock,
  type ChainPoint,
  type Checkpoint,
  type LightProof,
  type Digest,
  type Effect,
  encodeLogRecord,
  type EngineEvent,
  type EngineState,
  type LedgerId,
  type LogRecord,
  type Message,
  type Operation,
  payloadFacts,
  type Payload,
  type PeerId,
  rememberedIds,
  step,
  type Want,
} from '@cairn/ledger'
import type { StatusResponse } from './client/protocol.ts'
import { failureOf, type ReplicaError } from './errors.ts'
import type { ReplicaLog } from './log/log.ts'
import { Admission } from './admission.ts'
import { Checkpoints } from './checkpoints.ts'
import { EngineTimers } from './engine-timers.ts'
import { type Opened, openReplica } from './opened.ts'
import { genesisPoint } from './genesis.ts'
import { answerFrom, UnappliedBlocks } from './kept-blocks.ts'
import { FinalityWatch } from './finality-watch.ts'
import { lightProofTo } from './light-proof.ts'
import { loadOf, type ReplicaLoad } from './load.ts'
import { PeerLinks } from './peer-links.ts'
import { type ReadAnswer, readAnswer } from './read/read-answer.ts'
import { ReadBarrier } from './read/read-barrier.ts'
import { readViewOf } from './read/read-view.ts'
import type { ReplicaInit } from './replica-init.ts'
import type { VerifiedOffer } from './snapshot/offer.ts'
import { Snapshots } from './snapshot/snapshots.ts'
import type { StateAnchors } from './state/state-anchors.ts'
import { replaceState } from './state/state-files.ts'
import type { StateStore } from './state/state-store.ts'
import { Submissions, type SubmitOutcome } from './submissions.ts'

/**
 * One seat of a ledger: drives the engine, and does what it decides, in its order. Nothing that waits for the disk is sent before the disk has
 * it, and a failed disk ends everything.
 */
export class Replica implements AsyncDisposable {
  readonly #init: ReplicaInit
  readonly #state: EngineState
  readonly #log: ReplicaLog
  #store: StateStore
  readonly #anchors: StateAnchors
  readonly #snapshots: Snapshots
  readonly #links: PeerLinks
  readonly #checkpoints: Checkpoints
  readonly #submissions: Submissions
  readonly #reads: ReadBarrier
  readonly #admission: Admission
  readonly #watch: FinalityWatch
  readonly #timers: EngineTimers
  readonly #events: EngineEvent[] = []
  /** Sends that wait for a token, in order. */
  #held: { readonly after: number; readonly to: readonly PeerId[]; readonly message: Message }[] = []
  readonly #unapplied: { readonly after: number; readonly point: ChainPoint; readonly payload: Payload }[] = []
  #lastToken = 0
  #durableToken = 0
  #durable: Promise<void> = Promise.resolve()
  #running = false
  /** A fetched state takes the place of the one here: nothing is applied meanwhile. */
  #installing = false
  #stopped = false
  readonly #blocks = new UnappliedBlocks()

  private constructor(init: ReplicaInit, { log, anchors, store, state, records }: Opened) {
    this.#init = init
    this.#anchors = anchors
    const { verifier } = state.init
    this.#admission = new Admission({ ledger: init.ledger, signedOperations: init.signedOperations, verifier })
    const current = (): StateStore => this.#store
    this.#submissions = new Submissions({
      clock: init.clock,
      admission: this.#admission,
      get store() {
        return current()
      },
      handIn: (operation) => this.#handle({ type: 'submit', operation }),
      ...(init.observe && { observe: init.observe }),
    })
    this.#watch = new FinalityWatch(init.clock, (event) => init.observe?.(event))
    this.#timers = new EngineTimers(init.clock, (timer, id) => this.#handle({ type: 'timer', timer, id }))
    this.#log = log
    this.#store = store
    this.#state = state
    this.#links = new PeerLinks({
      transport: init.transport,
      onMessage: (from, message) => this.#receive(from, message),
      onCheckpoint: (message) => this.#stopped || this.#checkpoints.hear(message),
      onRead: (from, message) => this.#reads.hear(from, message),
      onSnapshot: (from, message) => this.#stopped || this.#snapshots.hear(from, message),
      onMalformed: (from, error) => init.observe?.({ type: 'malformed', from, reason: error.message }),
      onDropped: (to, kind) => init.observe?.({ type: 'dropped', to, kind }),
      ...(init.observe && { onTraffic: (type, kind, bytes) => init.observe?.({ type, kind, bytes }) }),
    })
    this.#reads = new ReadBarrier({
      clock: init.clock,
      view: () => readViewOf(state),
      appliedSlot: () => this.#store.point?.slot ?? 0,
      send: (to, message) => this.#links.sendRead(to, message),
    })
    this.#snapshots = new Snapshots({
      ...init,
      verifier,
      store: current,
      known: () => state.epoch,
      certified: () => this.checkpoint?.header.height ?? 0,
      sources: () => state.sources,
      // Nobody here makes records of epochs yet, so a state leads no further than the epoch that it is of.
      epochsBetween: (from, to) => (from === to ? [] : undefined),
      send: (to, message) => this.#links.sendSnapshot(to, message),
      adopt: (checkpoint) => this.#checkpoints.adopt(checkpoint),
      install: (offer) => this.#install(offer),
      observe: (event) => init.observe?.(event),
    })
    this.#checkpoints = new Checkpoints({
      ledger: init.ledger,
      genesis: genesisPoint(init.ledger, init.genesis).digest,
      signer: init.signer,
      verifier,
      get store() {
        return current()
      },
      log,
      anchors,
      heldHeight: () => this.#snapshots.heldHeight,
      ...(init.checkpointHeights !== undefined && { checkpointHeights: init.checkpointHeights }),
      ...(init.heightsKept !== undefined && { heightsKept: init.heightsKept }),
      startOf: (epoch) => (epoch === state.epoch.number ? state.epoch : undefined),
      send: ({ members }, message) =>
        this.#links.sendCheckpoint(
          members.map(({ peer }) => peer),
          message,
        ),
    })
    for (const { record, seq } of records) {
      this.#blocks.note(record)
      this.#checkpoints.note(record, 0, seq)
    }
  }

  /** Starts a replica from what is in its directory. @throws as {@link openReplica} */
  static async start(init: ReplicaInit): Promise<Replica> {
    let failed: ((error: ReplicaError) => void) | undefined
    const replica = new Replica(init, await openReplica(init, (error) => failed?.(error)))
    failed = (error) => replica.#fail(error)
    await replica.#links.start()
    replica.#handle({ type: 'start' })
    replica.#snapshots.start()
    return replica
  }

  get ledger(): LedgerId {
    return this.#init.ledger
  }

  /** The last final block that has been applied here. */
  get height(): number {
    return this.#store.state.height
  }

  get stateRoot(): string {
    return Buffer.from(this.#store.state.root.hash).toString('hex')
  }

  /** Slot in which this seat is, and its epoch; and since it started, syncs of its log, and messages to other seats. */
  get progress(): Omit<StatusResponse, 'height' | 'stateRoot' | 'checkpointHeight'> {
    const { epoch, current, final, halted } = this.#state
    const work = { syncs: this.#log.syncsCount, messages: this.#links.sentCount }
    return { epoch: epoch.number, slot: current, finalHeight: final.height, halted, silence: this.#init.silence ?? null, ...work }
  }

  /** What waits where, and how far each seat is. */
  get load(): ReplicaLoad {
    return loadOf(this.#state, this.#init.clock.now(), {
      appliedHeight: this.height,
      checkpointHeight: this.checkpoint?.header.height ?? 0,
      operationsUnchecked: this.#admission.waitingCount,
      clientsWaiting: this.#submissions.count,
      readersWaiting: this.#reads.count,
      sendsHeld: this.#held.length,
      blocksUnapplied: this.#unapplied.length,
      links: this.#links.load,
      held: { headersUnapplied: this.#blocks.size, ...this.#checkpoints.sizes },
    })
  }

  /**
   * Hands in an operation, and waits for what becomes of it. May be called again with the same one, here or elsewhere: it has one effect.
   * When `signal` aborts nothing is known of it but that.
   */
  async submit(operation: Operation, signal?: AbortSignal): Promise<SubmitOutcome> {
    return await this.#submissions.submit(operation, signal)
  }

  /** Reads the newest state that is final and applied here, which may lag behind what others have answered. */
  readLocal(key: Uint8Array): ReadAnswer {
    return readAnswer(this.#store, key)
  }

  /**
   * Reads a state that holds all that was final, here or anywhere, when this was called. `undefined` if that cannot be had before `signal`
   * aborts: no quorum is reached, this replica is behind, or too many readers wait.
   */
  async readFinal(key: Uint8Array, signal?: AbortSignal): Promise<ReadAnswer | undefined> {
    return (await this.#reads.pass(signal)) && !this.#stopped ? this.readLocal(key) : undefined
  }

  /** The newest checkpoint that a quorum stands for. */
  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoints.newest
  }

  /** What leads a light client from the ledger's first block to the newest checkpoint; `undefined` while there is none. */
  lightProof(): LightProof | undefined {
    const newest = this.checkpoint
    return newest && lightProofTo(newest, this.#init.ledger, this.#init.genesis)
  }

  async stop(): Promise<void> {
    if (this.#stopped) return
    this.#fallSilent()
    await this.#admission[Symbol.asyncDispose]()
    await this.#durable.catch(() => undefined)
    await this.#snapshots.settled()
    await this.#checkpoints.stop()
    await this.#log.close()
    this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #receive(from: PeerId, message: Message): void {
    if (message.type !== 'operations') return this.#handle({ type: 'received', from, message })
    // Leaders propose what they are handed, so it is checked before the engine sees it.
    void this.#admission
      .admitAll(message.operations)
      .then((operations) => this.#handle({ type: 'received', from, message: { type: 'operations', operations } }))
  }

  /** Events one after the other: what an effect leads to at once waits for the effects before it. */
  #handle(event: EngineEvent): void {
    if (this.#stopped) return
    this.#events.push(event)
    if (this.#running) return
    this.#running = true
    try {
      for (let next = this.#events.shift(); next !== undefined && !this.#stopped; next = this.#events.shift()) {
        for (const effect of step(this.#state, this.#init.clock.now(), next)) this.#perform(effect)
      }
    } finally {
      this.#running = false
    }
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        return this.#persist(effect.records, effect.token)
      case 'send':
        if ((effect.after ?? 0) > this.#durableToken) this.#held.push({ after: effect.after ?? 0, to: effect.to, message: effect.message })
        else this.#links.send(effect.to, effect.message)
        return
      case 'fetch':
        return this.#links.send([effect.from], { type: 'fetch', want: effect.want })
      case 'serve':
        return this.#serve(effect.to, effect.want)
      case 'setTimer':
        return this.#timers.set(effect.timer, effect.id, effect.afterMs)
      case 'validate':
        return this.#validate(effect.root, effect.payload)
      case 'apply':
        // The log is ahead of the state: a restart finds in it what makes the newest block final.
        if (this.#lastToken > this.#durableToken || this.#installing)
          this.#unapplied.push({ after: this.#lastToken, point: effect.point, payload: effect.payload })
        else this.#apply(effect.point, effect.payload)
        return
      case 'eraseKey':
        return
      case 'emit':
        // Final, and to be applied in a moment: that tells what it did.
        if (effect.event.type !== 'duplicate' || this.#state.final.height === this.height) this.#submissions.notice(effect.event)
        this.#watch.notice(effect.event)
        if (effect.event.type === 'epoch-started') this.#reads.progressed()
        return this.#init.observe?.(effect.event)
      default:
        effect satisfies never
    }
  }

  #validate(root: Digest, payload: Payload): void {
    const valid = this.#admission.areValid(payload)
    if (typeof valid === 'boolean') this.#handle({ type: 'validated', root, valid })
    else void valid.then((settled) => this.#handle({ type: 'validated', root, valid: settled }))
  }

  #persist(records: readonly LogRecord[], token: number): void {
    for (const record of records) {
      this.#blocks.note(record)
      this.#checkpoints.note(record, this.#state.current)
      this.#watch.note(record)
    }
    this.#lastToken = token
    const appended = this.#log.append(...records.map(encodeLogRecord))
    // In order: a token says that all before it are durable too.
    this.#durable = Promise.all([this.#durable, appended]).then(() => this.#becameDurable(token))
    // The log has told of its failure.
    this.#durable.catch(() => undefined)
  }

  #becameDurable(token: number): void {
    if (this.#stopped) return
    this.#durableToken = token
    const ready = this.#held.filter(({ after }) => after <= token)
    this.#held = this.#held.filter(({ after }) => after > token)
    for (const { to, message } of ready) this.#links.send(to, message)
    this.#applyDurable()
    this.#handle({ type: 'durable', token })
  }

  #applyDurable(): void {
    while (!this.#installing && (this.#unapplied[0]?.after ?? Infinity) <= this.#durableToken) {
      const next = this.#unapplied.shift()
      if (next !== undefined) this.#apply(next.point, next.payload)
    }
  }

  #apply(point: ChainPoint, payload: Payload): void {
    // A state that was fetched has it.
    if (point.height <= this.height) return
    const startMs = this.#init.clock.monotonicMs()
    const applied = applyBlock(this.#store, this.#init.ledger, this.#store.state, payload)
    this.#store.commit(applied, this.#blocks.take(point, payload))
    for (const [index, { id }] of payload.entries()) {
      const result = applied.results[index]
      if (result !== undefined) this.#submissions.settle(id, { type: 'final', result })
    }
    const durationMs = this.#init.clock.monotonicMs() - startMs
    this.#init.observe?.({ type: 'applied', height: point.height, operations: payload.length, durationMs })
    this.#checkpoints.applied(point, payloadFacts(payload).root)
    this.#handle({ type: 'applied', height: point.height, stateRoot: this.stateRoot })
    this.#reads.progressed()
  }

  /** From the store, what the engine no longer has in memory. */
  #serve(to: PeerId, want: Want): void {
    const answer = answerFrom(this.#store, want)
    if (answer !== undefined) this.#links.send([to], answer)
  }

  /** P7: a fetched state takes the place of the one here, on disk before the engine goes on from it. */
  async #install({ start, point }: VerifiedOffer): Promise<void> {
    if (point.height <= this.height) throw new RangeError('blocks were faster')
    this.#installing = true
    try {
      this.#store = await replaceState(this.#store, point.height, this.#anchors, this.#init)
    } catch (error) {
      this.#fail(failureOf(error, this.#init.directory))
      throw error
    } finally {
      this.#installing = false
    }
    if (this.#stopped) return
    const recent = rememberedIds(this.#store, this.#store.state.root)
    this.#handle({ type: 'installed', snapshot: { start, point, stateRoot: this.stateRoot, recent } })
    this.#applyDurable()
    this.#reads.progressed()
  }

  #fallSilent(): void {
    this.#stopped = true
    this.#snapshots.stop()
    this.#timers.stop()
    this.#links.stop()
    this.#submissions.stop()
    this.#reads.stop()
  }

  #fail(error: ReplicaError): void {
    if (this.#stopped) return
    // Nothing is said any more: what this seat would say may not be on disk.
    this.#fallSilent()
    void this.#admission[Symbol.asyncDispose]()
    this.#init.onFailure(error)
  }
}
