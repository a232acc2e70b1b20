import { type CID, deltaRecipe, type SnapshotIndex, STAGES, type StageClass } from '@cairn/protocol'
import type { Clock, Log, Reporter } from '@cairn/runtime'
import {
  openPlaceStore,
  type Placer,
  type PlaceStore,
  type ReuseDirectory,
  type Rollback,
  type SnapshotSink,
  StorageError,
} from '@cairn/storage'
import type { DownloadSession, Participant, ReceivedDeltas } from '@cairn/swarm'
import type { Release } from '@cairn/trust'
import { NodeError } from './errors.ts'
import type { NodeEvent } from './events.ts'
import { ROLLBACKS_MAX } from './limits.ts'
import { type LocalReuse, startReuse } from './local-reuse.ts'
import { RangeReader } from './range-reader.ts'
import { hasEntries, StageCommitter } from './stage-committer.ts'

export interface SnapshotJoinInit {
  readonly release: Release
  readonly index: SnapshotIndex
  /** Where the snapshot's files go. */
  readonly into: string
  /** Directories that may hold chunks, the most promising first. */
  readonly directories: readonly ReuseDirectory[]
  /** Whether readers look elsewhere until everything is in place: no stage is of use by itself. */
  readonly isUpdate: boolean
  /** All that {@link directories} have was taken from them. */
  readonly onReused?: () => Promise<void>
  /** Puts what is complete where its readers look for it; may close the store. */
  readonly commit?: (store: PlaceStore) => Promise<void>
  /** Whether the directory was complete when the node was started, whatever it has lost since. */
  readonly wasComplete: boolean
  readonly patienceMs: number | undefined
  /** Hears the lines of a trace of the download. */
  readonly onTrace: ((line: string) => void) | undefined
  /** When the node was started, on the monotonic clock: what its times are counted from. */
  readonly startedMs: number
}

export interface SnapshotJoinComponents {
  readonly participant: Participant
  readonly clock: Clock
  readonly log: Log
  readonly reporter: Reporter<NodeEvent>
  readonly placer: Placer
  /** Keeps the deltas that come, for others. */
  readonly deltas?: ReceivedDeltas
}

export interface JoinSummary {
  readonly release: Release
  /** The stage that was asked for, in place with all before it; `complete` if everything is, as it was published. */
  readonly reached: StageClass | 'complete'
  readonly durationMs: number
  /** Frame bytes used, by source. */
  readonly bytesBySource: Readonly<Record<string, number>>
  readonly wastedBytes: number
  /** Distinct plain bytes that were on this machine already, outside of what an earlier run had placed. */
  readonly bytesReused: number
  /** Chunks that an earlier run had placed. */
  readonly chunksResumed: number
  /** Distinct chunks of the snapshot, and of what was asked for. */
  readonly chunksCount: number
}

/** One snapshot on its way into one directory, stage by stage. */
export class SnapshotJoin {
  readonly store: PlaceStore
  readonly reader: RangeReader
  readonly #init: SnapshotJoinInit
  readonly #components: SnapshotJoinComponents
  readonly #stages: StageCommitter
  #session: DownloadSession | undefined
  #isUsable = false
  /** Snapshots of which every chunk is here: others may come as what they add to theirs. */
  #basis: readonly CID[] = []

  private constructor(init: SnapshotJoinInit, components: SnapshotJoinComponents, open: (hear: OnRolledBack) => PlaceStore) {
    this.#init = init
    this.#components = components
    this.store = open((rollback) => this.#rolledBack(rollback))
    this.reader = new RangeReader(init.index, this.store)
    this.#stages = new StageCommitter(init.index, this.store, (stage, isResumed) => this.#stageCommitted(stage, isResumed))
  }

  /** @throws {StorageError} `OTHER_SNAPSHOT`, `NO_SPACE`, `FOREIGN_FILES`, `LOCKED`, `IO_FAILED` */
  static async open(init: SnapshotJoinInit, components: SnapshotJoinComponents): Promise<SnapshotJoin> {
    let hear: OnRolledBack = () => {}
    const { clock, log, placer } = components
    const store = await openPlaceStore({
      path: init.into,
      index: init.index,
      clock,
      log,
      placer,
      isReusing: init.directories.length > 0,
      onRolledBack: (rollback) => hear(rollback),
    })
    return new SnapshotJoin(init, components, (listener) => {
      hear = listener
      return store
    })
  }

  /**
   * Brings the directory to `stage`, or to what was published.
   *
   * @throws {NodeError} `NO_SUCH_STAGE`
   * @throws {SwarmError} `NO_SOURCE`, `UNVERIFIABLE`
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; `CORRUPT` if somebody keeps replacing files
   */
  async run(stage: StageClass | undefined, signal: AbortSignal): Promise<JoinSummary> {
    this.#assertStage(stage)
    this.reader.began()
    try {
      const summary = await this.#run(stage, signal)
      this.reader.ended()
      return summary
    } catch (error) {
      this.reader.ended(error)
      throw error
    }
  }

  async #run(stage: StageClass | undefined, signal: AbortSignal): Promise<JoinSummary> {
    const { index, release } = this.#init
    // Also when a file is gone, which the store has noticed by then: the others may be altered.
    if (stage === undefined && (this.store.isComplete || this.#init.wasComplete)) await this.#recheck(signal)
    const chunksResumed = this.store.have.count
    if (chunksResumed > 0) this.#reportResumed()
    await using reuse = await this.#reuse(signal)
    const fetched = new FetchTally()
    await this.#bringTo(stage, fetched, reuse, signal)
    const reused = await reuse?.done
    if (stage === undefined) await this.#init.commit?.(this.store)
    const durationMs = this.#sinceStartMs()
    const snapshot = release.manifest.toString()
    if (stage === undefined) {
      this.#becomeUsable()
      this.#components.reporter.report({ type: 'join-complete', snapshot, durationMs })
    } else {
      this.#components.reporter.report({ type: 'join-staged', snapshot, stage, durationMs })
    }
    const { bytesBySource, wastedBytes } = fetched
    return {
      release,
      reached: stage ?? 'complete',
      durationMs,
      bytesBySource,
      wastedBytes,
      bytesReused: reused?.bytes ?? 0,
      chunksResumed,
      chunksCount: index.chunksCount,
    }
  }

  /** Begins to place what is on this machine. */
  async #reuse(signal: AbortSignal): Promise<LocalReuse | undefined> {
    const { directories, index, isUpdate, onReused } = this.#init
    if (directories.length === 0) return undefined
    const onPlaced = (chunk: number): void => {
      this.reader.placed(chunk)
      this.#session?.arrived(chunk)
    }
    const init = { index, store: this.store, directories, isUpdate, onReused, onPlaced, signal }
    const reuse = await startReuse(init, this.#components)
    this.#basis = reuse.basis
    return reuse
  }

  /** Fetches, and after a rollback fetches again, until what was asked for is in place and committed. */
  async #bringTo(stage: StageClass | undefined, fetched: FetchTally, reuse: LocalReuse | undefined, signal: AbortSignal): Promise<void> {
    let copying = reuse
    for (let rollbacksCount = 0; ;) {
      try {
        await this.#fetch(stage, fetched, copying, signal)
        copying = undefined // what it did not find is fetched like everything else
        if (stage !== undefined && this.store.stageCommitted(stage)) return
        if (stage !== undefined || !this.store.have.isFull()) continue // damaged meanwhile
        await this.store.finish()
        return
      } catch (error) {
        const isDamage = error instanceof StorageError && error.fault.code === 'CORRUPT'
        if (!isDamage || rollbacksCount === ROLLBACKS_MAX) throw error
        rollbacksCount += 1
        await copying?.done.catch(() => undefined)
        copying = undefined
        await this.store.rollback()
      }
    }
  }

  /** Fetches what is neither in place nor on its way there in `copying`, which it waits for. */
  async #fetch(stage: StageClass | undefined, fetched: FetchTally, copying: LocalReuse | undefined, signal: AbortSignal): Promise<void> {
    const { index, patienceMs } = this.#init
    const { deltas } = this.#components
    const [from] = this.#basis
    await using keeping = from === undefined ? undefined : await deltas?.begin(index, from)
    const commits = new AbortController()
    const sink: SnapshotSink = {
      have: this.store.have,
      deliver: async (chunk, frame) => {
        await this.store.deliver(chunk, frame)
        // A copy: the frame's memory is given back when this resolves.
        if (keeping !== undefined && deltaRecipe(frame) !== undefined) await keeping.keep(chunk, frame.slice())
        this.reader.placed(chunk)
        // The chunk is placed: that its stage waits for the disk must not look as if placing did.
        if (!this.#init.isUpdate) this.#stages.placed().catch((error: unknown) => commits.abort(error))
      },
    }
    if (!this.#init.isUpdate) await this.#stages.begin()
    const { onTrace } = this.#init
    const { session, result } = this.#components.participant.startDownload({
      index,
      sink,
      ...(copying === undefined ? {} : { expected: copying.expected, deltasWaitMs: copying.deltasWaitMs }),
      signal: AbortSignal.any([signal, commits.signal]),
      // What is kept is for those who come from the same version: it may be made from that alone.
      basis: keeping === undefined ? this.#basis : this.#basis.slice(0, 1),
      ...(stage === undefined ? {} : { stage }),
      ...(patienceMs === undefined ? {} : { patienceMs }),
      ...(onTrace === undefined ? {} : { onTrace }),
    })
    this.#session = session
    this.reader.attach((chunks) => session.prefer(chunks))
    copying?.done.then(
      () => session.lost([...copying.expected.indices()].filter((chunk) => !this.store.have.get(chunk))),
      (error: unknown) => commits.abort(error),
    )
    try {
      fetched.add(await result)
      await copying?.done
      await keeping?.finish()
      await this.#stages.committed()
    } finally {
      this.#session = undefined
    }
  }

  #stageCommitted(stage: StageClass, isResumed: boolean): void {
    this.#components.reporter.report({ type: 'stage-committed', stage, sinceStartMs: this.#sinceStartMs(), isResumed })
    if (stage === 'bootstrap') this.#becomeUsable()
  }

  #becomeUsable(): void {
    if (this.#isUsable) return
    this.#isUsable = true
    this.#components.reporter.report({ type: 'usable', sinceStartMs: this.#sinceStartMs() })
  }

  #rolledBack({ chunks, stage }: Rollback): void {
    const bytes = chunks.reduce((sum, chunk) => sum + this.#init.index.chunkBytes(chunk), 0)
    if (stage === undefined) this.#isUsable = false
    this.#components.reporter.report({ type: 'rolled-back', stage: stage ?? null, chunksCount: chunks.length, bytes })
    this.#stages.rolledBack()
    this.#session?.lost(chunks)
  }

  /** Joining what was joined before is how a directory is checked and repaired. */
  async #recheck(signal: AbortSignal): Promise<void> {
    const { reporter } = this.#components
    reporter.report({ type: 'waiting', reason: 'checking' })
    const { altered, missing, wrongMode, wrongLink } = await this.store.verifyAll({ signal })
    const damagedCount = altered.length + missing.length + wrongMode.length + wrongLink.length
    reporter.report({ type: 'rechecked', damagedCount })
  }

  #reportResumed(): void {
    const { index } = this.#init
    const { have } = this.store
    let bytesHeld = 0
    for (const chunk of have.indices()) bytesHeld += index.chunkBytes(chunk)
    this.#components.reporter.report({ type: 'resumed', chunksHeld: have.count, chunksCount: index.chunksCount, bytesHeld })
  }

  #assertStage(stage: StageClass | undefined): void {
    if (stage === undefined) return
    const { index, release, isUpdate, into } = this.#init
    if (isUpdate) throw new NodeError({ code: 'STAGE_OF_UPDATE', path: into, stage })
    const wanted = STAGES.slice(0, STAGES.indexOf(stage) + 1)
    if (wanted.some((known) => hasEntries(index, known))) return
    throw new NodeError({ code: 'NO_SUCH_STAGE', ledger: release.ledger, height: release.height, stage })
  }

  #sinceStartMs(): number {
    return this.#components.clock.monotonicMs() - this.#init.startedMs
  }
}

type OnRolledBack = (rollback: Rollback) => void

/** What the downloads of one run fetched, together. */
class FetchTally {
  readonly bytesBySource: Record<string, number> = {}
  wastedBytes = 0

  add(summary: Awaited<ReturnType<Participant['download']>>): void {
    for (const [peer, bytes] of summary.bytesBySource) this.bytesBySource[peer] = (this.bytesBySource[peer] ?? 0) + bytes
    this.wastedBytes += summary.wastedBytes
  }
}
