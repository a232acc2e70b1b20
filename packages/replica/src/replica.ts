import { join } from 'node:path'
import {
  type ChainPoint,
  type Committee,
  type Checkpoint,
  type LightProof,
  type Digest,
  type Effect,
  type EngineEvent,
  type EngineState,
  type LedgerId,
  type LogRecord,
  type Message,
  type Notice,
  type Operation,
  type Payload,
  type PeerId,
  rememberedIds,
  standingRecords,
} from '@cairn/ledger'
import type { StatusResponse } from './client/protocol.ts'
import { failureOf, guardedBy, type ReplicaError, toldTo } from './errors.ts'
import { EpochChanges, type ReconfigureOutcome } from './epochs/epoch-changes.ts'
import type { NextCommittee } from './epochs/next-committee.ts'
import type { ReplicaLog } from './log/log.ts'
import { Admission } from './admission.ts'
import { Applier } from './applier.ts'
import { Checkpoints } from './checkpoints.ts'
import { EngineLoop } from './engine-loop.ts'
import { EngineTimers } from './engine-timers.ts'
import { type Opened, openReplica, orClosed } from './opened.ts'
import { genesisPoint } from './genesis.ts'
import { answerFrom, UnappliedBlocks } from './kept-blocks.ts'
import { FinalityWatch } from './finality-watch.ts'
import { lightProofTo } from './light-proof.ts'
import { LogQueue } from './log-queue.ts'
import { loadOf, type ReplicaLoad } from './load.ts'
import { Outbox } from './outbox.ts'
import { progressOf } from './progress.ts'
import { PeerLinks } from './peer-links.ts'
import { type ReadAnswer, readAnswer } from './read/read-answer.ts'
import { RebuiltWatch } from './rebuilt-watch.ts'
import { type KeyedInit, keysOf, type ReplicaInit } from './replica-init.ts'
import { ReadBarrier } from './read/read-barrier.ts'
import { readViewOf } from './read/read-view.ts'
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
  readonly #init: KeyedInit
  readonly #state: EngineState
  readonly #log: ReplicaLog
  #store: StateStore
  readonly #snapshots: Snapshots
  readonly #links: PeerLinks
  readonly #checkpoints: Checkpoints
  readonly #epochs: EpochChanges
  readonly #submissions: Submissions
  readonly #reads: ReadBarrier
  readonly #admission: Admission
  readonly #watch: FinalityWatch
  readonly #timers: EngineTimers
  readonly #loop: EngineLoop
  readonly #handle = (event: EngineEvent): void => this.#loop.handle(event)
  readonly #outbox: Outbox
  readonly #applier: Applier
  readonly #rebuilt: RebuiltWatch | undefined
  readonly #queue: LogQueue
  /** What a disk refuses here ends everything, like what it refuses the log. */
  readonly #guarded: (act: () => void) => void
  #stopped = false
  #ended: Promise<void> = Promise.resolve()
  readonly #blocks = new UnappliedBlocks()

  private constructor(init: KeyedInit, { log, anchors, store, state, records, needed }: Opened) {
    this.#init = init
    if (init.rebuilds === true) this.#rebuilt = new RebuiltWatch(needed, (event) => init.observe?.(event))
    this.#guarded = guardedBy(init.directory, (error) => this.#fail(error))
    const { verifier } = state.init
    this.#admission = new Admission({ ledger: init.ledger, signedOperations: init.signedOperations, verifier })
    const current = (): StateStore => this.#applier.store
    const handIn = (operation: Operation): void => this.#handle({ type: 'submit', operation })
    this.#submissions = new Submissions({ ...init, admission: this.#admission, store: current, guarded: this.#guarded, handIn })
    this.#watch = new FinalityWatch(init.clock, (event) => init.observe?.(event))
    this.#timers = new EngineTimers(init.clock, (timer, id) => this.#handle({ type: 'timer', timer, id }))
    this.#log = log
    this.#queue = new LogQueue(log, (token) => this.#becameDurable(token))
    this.#store = store
    this.#state = state
    this.#loop = new EngineLoop(state, init.clock, (effect) => this.#perform(effect))
    this.#links = new PeerLinks({
      transport: init.transport,
      onMessage: (from, message) => this.#receive(from, message),
      onCheckpoint: (message) => this.#stopped || this.#guarded(() => this.#checkpoints.hear(message)),
      onRead: (from, message) => this.#reads.hear(from, message),
      onSnapshot: (from, message) => this.#stopped || this.#guarded(() => this.#snapshots.hear(from, message)),
      onEpoch: (from, message) => this.#stopped || this.#guarded(() => this.#epochs.hear(from, message)),
      onMalformed: (from, error) => init.observe?.({ type: 'malformed', from, reason: error.message }),
      onDropped: (to, kind) => init.observe?.({ type: 'dropped', to, kind }),
      ...(init.observe && { onTraffic: (type, kind, bytes) => init.observe?.({ type, kind, bytes }) }),
    })
    this.#outbox = new Outbox({ state, send: (to, message) => this.#links.send(to, message), hasten: () => log.hasten() })
    this.#reads = new ReadBarrier({
      clock: init.clock,
      view: () => readViewOf(state),
      appliedSlot: () => this.#applier.store.point?.slot ?? 0,
      send: (to, message) => this.#links.sendRead(to, message),
    })
    this.#snapshots = new Snapshots({
      ...init,
      verifier,
      store: current,
      guarded: this.#guarded,
      engine: state,
      certified: () => this.checkpoint?.header.height ?? 0,
      epochsBetween: (from, to) => (from === to ? [] : this.#epochs.between(from, to)),
      send: (to, message) => this.#links.sendSnapshot(to, message),
      adopt: (checkpoint) => this.#checkpoints.adopt(checkpoint),
      install: (offer) => this.#install(offer, anchors),
    })
    this.#checkpoints = new Checkpoints({
      ...init,
      genesis: genesisPoint(init.ledger, init.genesis).digest,
      signerOf: (publicKey) => init.signer.signerOf(publicKey),
      verifier,
      get store() {
        return current()
      },
      log,
      anchors,
      heldHeight: () => this.#snapshots.heldHeight,
      standing: () => standingRecords(state),
      onCertified: (height) => this.#rebuilt?.certified(height),
      startOf: (epoch) => (epoch === state.epoch.number ? state.epoch : undefined),
      send: (committee, message) => this.#links.sendCheckpoint(committee, message),
    })
    this.#applier = new Applier({
      ...init,
      guarded: this.#guarded,
      store: () => this.#store,
      blocks: this.#blocks,
      onResults: (payload, results) => this.#submissions.applied(payload, results),
      onApplied: (point, payload, durationMs) => this.#applied(point, payload, durationMs),
      isBoundary: (point) => this.#checkpoints.isDue(point),
      onBoundary: (point) => this.#checkpoints.stored(point),
    })
    const path = join(init.directory, 'epochs.db')
    this.#epochs = new EpochChanges({
      ...init,
      path,
      verifier,
      keys: init.signer,
      self: init.transport.self,
      state,
      send: (to, message) => this.#links.sendEpoch(to, message),
      tell: (committee) => this.#handle({ type: 'reconfigure', committee }),
    })
    for (const { record, seq } of init.rebuilds === true ? [] : records) {
      this.#blocks.note(record)
      this.#checkpoints.note(record, 0, seq)
      this.#epochs.note(record)
    }
  }

  /** Starts a replica from what is in its directory. @throws as {@link openReplica} */
  static async start(init: ReplicaInit): Promise<Replica> {
    let failed: ((error: ReplicaError) => void) | undefined
    const keyed = { ...init, signer: keysOf(init) }
    const opened = await openReplica(keyed, (error) => failed?.(error))
    const replica = await orClosed(opened, () => new Replica(keyed, opened))
    failed = (error) => replica.#fail(error)
    await replica.#links.start()
    if (replica.#state.active) replica.#guarded(() => replica.#epochs.started())
    replica.#handle({ type: 'start' })
    replica.#snapshots.start()
    return replica
  }

  get ledger(): LedgerId {
    return this.#init.ledger
  }

  /** The last final block that has been applied here. */
  get height(): number {
    return this.#applier.store.state.height
  }

  get stateRoot(): string {
    return Buffer.from(this.#applier.store.state.root.hash).toString('hex')
  }

  /** Slot in which this seat is, and its epoch; and since it started, syncs of its log, and messages to other seats. */
  get progress(): Omit<StatusResponse, 'height' | 'stateRoot' | 'checkpointHeight'> {
    return { ...progressOf(this.#state, this.#epochs, this.#init.silence), syncs: this.#log.syncsCount, messages: this.#links.sentCount }
  }

  /** What waits where, and how far each seat is. */
  get load(): ReplicaLoad {
    return loadOf(this.#state, this.#init.clock.now(), {
      appliedHeight: this.height,
      checkpointHeight: this.checkpoint?.header.height ?? 0,
      operationsUnchecked: this.#admission.waitingCount,
      clientsWaiting: this.#submissions.count,
      readersWaiting: this.#reads.count,
      sendsHeld: this.#outbox.heldCount,
      blocksUnapplied: this.#applier.waitingCount,
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
    return toldTo(this.#guarded, () => readAnswer(this.#applier.store, key))
  }

  /**
   * Reads a state that holds all that was final, here or anywhere, when this was called. `undefined` if that cannot be had before `signal`
   * aborts: no quorum is reached, this replica is behind, or too many readers wait.
   */
  async readFinal(key: Uint8Array, signal?: AbortSignal): Promise<ReadAnswer | undefined> {
    return (await this.#reads.pass(signal)) && !this.#stopped ? this.readLocal(key) : undefined
  }

  /** The newest checkpoint that a quorum stands for; `undefined` when stopped. */
  get checkpoint(): Checkpoint | undefined {
    return this.#stopped ? undefined : toldTo(this.#guarded, () => this.#checkpoints.newest)
  }

  /** What leads a light client from the ledger's first block to the newest checkpoint; `undefined` while there is none. */
  lightProof(): LightProof | undefined {
    return toldTo(this.#guarded, () => lightProofTo(this.checkpoint, this.#epochs, this.#init))
  }

  /** What this replica's operator wants the next committee to be: it follows as soon as a quorum of operators want it and who joins is ready. */
  reconfigure(next: NextCommittee): ReconfigureOutcome {
    return this.#epochs.reconfigure(next)
  }

  /** The committee that decides now, as far as this replica knows. */
  get committee(): Committee {
    return this.#state.epoch.committee
  }

  /** Resolves when all is closed, whoever began it. */
  async stop(): Promise<void> {
    await (this.#stopped ? this.#ended : (this.#ended = this.#end()))
  }

  /** Falls silent before it returns, and closes all: whoever waits for it may open the files again. After a failure the state is left as it is. */
  async #end(flushes = true): Promise<void> {
    try {
      this.#fallSilent()
      if (!flushes) this.#applier.leave()
      await this.#admission[Symbol.asyncDispose]()
      const flushed = this.#queue.settled().then(() => this.#applier.flush())
      await flushed.catch(() => undefined)
      await this.#snapshots.settled()
      await this.#checkpoints.stop()
    } finally {
      await this.#log.close().finally(() => this.#store.close())
    }
  }

  [Symbol.asyncDispose] = (): Promise<void> => this.stop()

  #receive(from: PeerId, message: Message): void {
    if (message.type !== 'operations') return this.#handle({ type: 'received', from, message })
    // Leaders propose what they are handed, so it is checked before the engine sees it.
    void this.#admission
      .admitAll(message.operations)
      .then((operations) => this.#handle({ type: 'received', from, message: { type: 'operations', operations } }))
  }

  #perform(effect: Effect): void {
    switch (effect.type) {
      case 'persist':
        return this.#persist(effect.records, effect.token)
      case 'send':
        return this.#outbox.send(effect.to, effect.message, effect.after ?? 0)
      case 'fetch':
        return this.#links.send([effect.from], { type: 'fetch', want: effect.want })
      case 'serve':
        return this.#guarded(() =>
          this.#links.answer(
            effect.to,
            answerFrom(this.#applier.store, effect.want, (epoch) => this.#epochs.closing(epoch)),
          ),
        )
      case 'setTimer':
        return this.#timers.set(effect.timer, effect.id, effect.afterMs)
      case 'validate':
        return this.#validate(effect.root, effect.payload)
      case 'apply':
        return this.#applier.apply(effect.point, effect.payload, effect.after)
      case 'eraseKey':
        return this.#guarded(() => this.#init.signer.erase(effect.publicKey))
      case 'emit':
        return this.#notice(effect.event)
      default:
        effect satisfies never
    }
  }

  #notice(event: Notice): void {
    // Final, and to be applied in a moment: that tells what it did.
    if (event.type !== 'duplicate' || this.#state.final.height === this.height) this.#submissions.notice(event)
    this.#watch.notice(event)
    this.#init.observe?.(event)
    if (event.type !== 'epoch-started' || this.#stopped) return
    this.#reads.progressed()
    this.#guarded(() => this.#epochs.started())
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
      this.#guarded(() => this.#epochs.note(record))
    }
    this.#queue.append(records, token)
  }

  #becameDurable(token: number): void {
    this.#outbox.durable(token, this.#stopped)
    this.#applier.durable(token)
    if (!this.#stopped) this.#handle({ type: 'durable', token })
  }

  #applied(point: ChainPoint, payload: Payload, durationMs: number): void {
    this.#init.observe?.({ type: 'applied', height: point.height, operations: payload.length, durationMs })
    this.#handle({ type: 'applied', height: point.height, stateRoot: this.stateRoot })
    this.#reads.progressed()
  }

  /** P7: a fetched state takes the place of the one here, on disk before the engine goes on from it. */
  async #install({ start, point }: VerifiedOffer, anchors: StateAnchors): Promise<void> {
    if (point.height <= this.height) throw new RangeError('blocks were faster')
    this.#applier.pause()
    const isLater = start.number > this.#state.epoch.number
    try {
      this.#store = await replaceState(this.#store, point.height, anchors, this.#init)
    } catch (error) {
      this.#fail(failureOf(error, this.#init.directory))
      throw error
    }
    if (this.#stopped) return
    if (isLater) this.#guarded(() => this.#epochs.note({ type: 'epoch', start }))
    const recent = rememberedIds(this.#store, this.#store.state.root)
    this.#handle({ type: 'installed', snapshot: { start, point, stateRoot: this.stateRoot, recent } })
    // Whoever waits for one of these was not told by a block; asked again, the state says what it did.
    for (const id of recent) this.#submissions.settle(id, { type: 'unknown' })
    this.#rebuilt?.certified(point.height)
    this.#applier.resume()
    this.#reads.progressed()
  }

  #fallSilent(): void {
    this.#stopped = true
    this.#loop.stop()
    this.#snapshots.stop()
    this.#timers.stop()
    this.#applier.stop()
    this.#links.stop()
    this.#submissions.stop()
    this.#reads.stop()
    this.#epochs.stop()
  }

  #fail(failure: ReplicaError): void {
    if (this.#stopped) return
    // Nothing is said any more: what this seat would say may not be on disk.
    this.#ended = this.#end(false)
    this.#ended.catch(() => undefined)
    this.#init.onFailure(failure)
  }
}
