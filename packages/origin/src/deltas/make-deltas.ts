import { availableParallelism } from 'node:os'
import { type CID, NearChunks, type SketchedSnapshot, type SnapshotIndex } from '@cairn/protocol'
import { type BlockSource, type DeltaSets, type DeltaSetWriter, WorkerThread } from '@cairn/storage'
import { type Clock, freeMemory } from '@cairn/runtime'
import { OriginError } from '../errors.ts'
import { DELTA_PART_MAX, DELTA_THREADS_MAX } from '../limits.ts'
import type { DeltaBaseFrame, DeltaCall, DeltaReply } from './delta-calls.ts'
import { readFrame } from './read-frame.ts'

export interface MakeDeltasInit {
  readonly from: SketchedSnapshot
  readonly to: SketchedSnapshot
  /** Has the chunks of both. */
  readonly source: BlockSource
  /** Takes the deltas. */
  readonly sets: DeltaSets
  readonly clock: Clock
  /** As many as there are cores, at most {@link DELTA_THREADS_MAX}, if absent. */
  readonly threadsCount?: number
  readonly signal?: AbortSignal
}

/** What a holder of one snapshot fetches to get to another. */
export interface DeltaSummary {
  readonly from: CID
  readonly to: CID
  /** Chunks that the old snapshot has not. */
  readonly chunksChanged: number
  /** Bytes of their frames. */
  readonly frameBytes: number
  /** Chunks among them that have a delta. */
  readonly deltasCount: number
  readonly deltaBytes: number
  /** What is fetched: the deltas, and the frames of the chunks that have none. */
  readonly fetchBytes: number
  readonly durationMs: number
}

/** A thread takes as long to start as these take. */
const CHUNKS_PER_THREAD = 32
/** Its buffers are outside of this. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

/**
 * Makes the deltas from one snapshot to another, on several threads, and keeps those that are worth it. In memory are the two manifests and
 * their sketches, and of chunks five for each thread.
 *
 * A chunk that cannot be read (it was served from a directory that has changed) has no delta and is no base.
 *
 * @throws {OriginError} `THREAD_FAILED` @throws {StorageError} `NO_SPACE`, `IO_FAILED`
 */
export async function makeDeltas(init: MakeDeltasInit): Promise<DeltaSummary> {
  const { from, to, sets, clock } = init
  const startedMs = clock.monotonicMs()
  await using writer = await sets.create(from.index.cid, to.index.cid)
  const making = new Making(init, writer)
  const near = new NearChunks(from, to)
  const changed = [...near.changed()]
  const targets = changed.values()
  const threadsMax = init.threadsCount ?? Math.min(availableParallelism(), DELTA_THREADS_MAX)
  const threads = Math.min(threadsMax, Math.ceil(changed.length / CHUNKS_PER_THREAD))
  const lanes = Array.from({ length: threads }, async () => {
    await using thread = new WorkerThread<DeltaCall, DeltaReply>(new URL('./delta-worker.ts', import.meta.url), RESOURCE_LIMITS)
    for (const chunk of targets) {
      init.signal?.throwIfAborted()
      await making.make(chunk, near.basesOf(chunk), thread)
    }
  })
  // Every lane ends before the writer does; the first failure is told.
  await Promise.allSettled(lanes)
  await Promise.all(lanes)
  await writer.finish()
  await sets.added(from.index.cid, to.index.cid)
  return { from: from.index.cid, to: to.index.cid, ...making.totals, durationMs: clock.monotonicMs() - startedMs }
}

class Making {
  readonly #init: MakeDeltasInit
  readonly #writer: DeltaSetWriter
  readonly totals = { chunksChanged: 0, frameBytes: 0, deltasCount: 0, deltaBytes: 0, fetchBytes: 0 }

  constructor(init: MakeDeltasInit, writer: DeltaSetWriter) {
    this.#init = init
    this.#writer = writer
  }

  async make(chunk: number, bases: readonly number[], thread: WorkerThread<DeltaCall, DeltaReply>): Promise<void> {
    const { from, to } = this.#init
    const frame = await readFrame(this.#init.source, to.index.chunkCid(chunk))
    const frames = frame === undefined ? [] : await this.#baseFrames(from.index, bases)
    const frameBytes = frame?.byteLength ?? to.index.chunkBytes(chunk)
    this.totals.chunksChanged += 1
    this.totals.frameBytes += frameBytes
    const delta = frame === undefined || frames.length === 0 ? undefined : await call(thread, frame, frames)
    for (const used of [frame, ...frames.map((base) => base.frame)]) if (used !== undefined) freeMemory(used)
    this.totals.fetchBytes += delta?.byteLength ?? frameBytes
    if (delta === undefined) return
    this.totals.deltasCount += 1
    this.totals.deltaBytes += delta.byteLength
    await this.#writer.add(chunk, to.index.chunkDigest(chunk), delta)
  }

  async #baseFrames(index: SnapshotIndex, bases: readonly number[]): Promise<readonly DeltaBaseFrame[]> {
    const frames = await Promise.all(
      bases.map(async (base) => ({
        digest: index.chunkDigest(base).slice(),
        frame: await readFrame(this.#init.source, index.chunkCid(base)),
      })),
    )
    return frames.flatMap(({ digest, frame }) => (frame === undefined ? [] : [{ digest, frame }]))
  }
}

async function call(
  thread: WorkerThread<DeltaCall, DeltaReply>,
  frame: Uint8Array,
  bases: readonly DeltaBaseFrame[],
): Promise<Uint8Array | undefined> {
  try {
    return (await thread.call({ frame, bases, deltaBytesMax: Math.floor(frame.byteLength * DELTA_PART_MAX) })).delta
  } catch (cause) {
    throw new OriginError({ code: 'THREAD_FAILED', reason: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}
