import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { AnchorIndex, type CID, type SnapshotIndex } from '@cairn/protocol'
import { type BlockSource, type DeltaSets, type DeltaSetWriter, WorkerThread } from '@cairn/storage'
import { type Clock, freeMemory } from '@cairn/runtime'
import { OriginError } from '../errors.ts'
import { DELTA_CHUNKS_IN_TURN, DELTA_PART_MAX, DELTA_THREADS_MAX } from '../limits.ts'
import type { DeltaCall, DeltaReply, OldChunk } from './delta-calls.ts'
import { ChangedChunks } from './changed-chunks.ts'
import { readFrame } from './read-frame.ts'

export interface MakeDeltasInit {
  readonly from: SnapshotIndex
  readonly to: SnapshotIndex
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

type Thread = WorkerThread<DeltaCall, DeltaReply>

/** A thread takes as long to start as these take. */
const CHUNKS_PER_THREAD = 32
/** Its buffers are outside of this. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

/**
 * Makes the deltas from one snapshot to another, on several threads, and keeps those that are worth it. First the anchors of the chunks that
 * the new snapshot no longer has are put into an index; then each chunk that it has anew is made from what the index finds. In memory are
 * the two manifests, the index, and of chunks some for each thread.
 *
 * A chunk that cannot be read (it was served from a directory that has changed) has no delta and is no base.
 *
 * @throws {OriginError} `THREAD_FAILED` @throws {StorageError} `NO_SPACE`, `IO_FAILED`
 */
export async function makeDeltas(init: MakeDeltasInit): Promise<DeltaSummary> {
  const { from, to, sets, clock } = init
  const startedMs = clock.monotonicMs()
  await using writer = await sets.create(from.cid, to.cid)
  const changes = new ChangedChunks(from, to)
  const making = new Making(init, changes, writer)
  const threadsMax = init.threadsCount ?? Math.min(availableParallelism(), DELTA_THREADS_MAX)
  const chunksCount = changes.added.length === 0 ? 0 : Math.max(changes.added.length, changes.removed.length)
  const threadsCount = Math.min(threadsMax, Math.ceil(chunksCount / CHUNKS_PER_THREAD))
  await using stack = new AsyncDisposableStack()
  const threads = Array.from({ length: threadsCount }, () =>
    stack.use<Thread>(new WorkerThread(new URL('./delta-worker.ts', import.meta.url), RESOURCE_LIMITS)),
  )
  await inTurns(threads, changes.removed, init.signal, (chunk, thread) => making.scan(chunk, thread))
  await Promise.all(threads.map((thread) => making.begin(thread)))
  await inTurns(threads, changes.added, init.signal, (chunk, thread) => making.make(chunk, thread))
  await writer.finish()
  await sets.added(from.cid, to.cid)
  return { from: from.cid, to: to.cid, ...making.totals, durationMs: clock.monotonicMs() - startedMs }
}

/** Hands out chunks some at a time, so that those beside each other, which have much in common, are one thread's. */
async function inTurns(
  threads: readonly Thread[],
  chunks: readonly number[],
  signal: AbortSignal | undefined,
  work: (chunk: number, thread: Thread) => Promise<void>,
): Promise<void> {
  let next = 0
  const lanes = threads.map(async (thread) => {
    while (next < chunks.length) {
      const turn = chunks.slice(next, (next += DELTA_CHUNKS_IN_TURN))
      for (const chunk of turn) {
        signal?.throwIfAborted()
        await work(chunk, thread)
      }
    }
  })
  // Every lane ends before the threads do; the first failure is told.
  await Promise.allSettled(lanes)
  await Promise.all(lanes)
}

class Making {
  readonly #init: MakeDeltasInit
  readonly #changes: ChangedChunks
  readonly #writer: DeltaSetWriter
  readonly #anchors: AnchorIndex
  readonly totals = { chunksChanged: 0, frameBytes: 0, deltasCount: 0, deltaBytes: 0, fetchBytes: 0 }

  constructor(init: MakeDeltasInit, changes: ChangedChunks, writer: DeltaSetWriter) {
    this.#init = init
    this.#changes = changes
    this.#writer = writer
    this.#anchors = AnchorIndex.for(changes.removedBytes, changes.starts.at(-1)!)
  }

  /** Puts the anchors of a chunk of the old snapshot into the index. */
  async scan(chunk: number, thread: Thread): Promise<void> {
    const frame = await readFrame(this.#init.source, this.#init.from.chunkCid(chunk))
    if (frame === undefined) return
    const reply = await call(thread, { type: 'scan', frame, bits: this.#anchors.table.bits })
    freeMemory(frame)
    assert(reply.type === 'scanned')
    this.#anchors.add(this.#changes.starts[chunk]!, reply.anchors)
  }

  /** The index is whole: `thread` gets it. */
  async begin(thread: Thread): Promise<void> {
    await call(thread, { type: 'begin', table: this.#anchors.table, starts: this.#changes.starts })
  }

  /** Makes the delta of a chunk of the new snapshot. */
  async make(chunk: number, thread: Thread): Promise<void> {
    const { source, to } = this.#init
    const frame = await readFrame(source, to.chunkCid(chunk))
    const frameBytes = frame?.byteLength ?? to.chunkBytes(chunk)
    this.totals.chunksChanged += 1
    this.totals.frameBytes += frameBytes
    const delta = frame === undefined ? undefined : await this.#delta(chunk, frame, thread)
    if (frame !== undefined) freeMemory(frame)
    this.totals.fetchBytes += delta?.byteLength ?? frameBytes
    if (delta === undefined) return
    this.totals.deltasCount += 1
    this.totals.deltaBytes += delta.byteLength
    await this.#writer.add(chunk, to.chunkDigest(chunk), delta)
  }

  async #delta(chunk: number, frame: Uint8Array, thread: Thread): Promise<Uint8Array | undefined> {
    const deltaBytesMax = Math.floor(frame.byteLength * DELTA_PART_MAX)
    const choice = await call(thread, { type: 'choose', frame, besides: this.#changes.atSamePlace(chunk) })
    assert(choice.type === 'chosen')
    if (choice.basesCount === 0) return undefined
    const bases = await Promise.all(choice.missing.map((base) => this.#oldChunk(base)))
    const reply = await call(thread, { type: 'make', bases, deltaBytesMax })
    for (const base of bases) if (base.frame !== undefined) freeMemory(base.frame)
    assert(reply.type === 'made')
    return reply.delta
  }

  async #oldChunk(chunk: number): Promise<OldChunk> {
    const { from, source } = this.#init
    return { chunk, digest: from.chunkDigest(chunk).slice(), frame: await readFrame(source, from.chunkCid(chunk)) }
  }
}

async function call(thread: Thread, request: DeltaCall): Promise<DeltaReply> {
  try {
    return await thread.call(request)
  } catch (cause) {
    throw new OriginError({ code: 'THREAD_FAILED', reason: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}
