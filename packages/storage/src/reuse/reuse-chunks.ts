import { Bitmap, type SnapshotIndex } from '@cairn/protocol'
import type { PlaceStore } from '../place/place-store.ts'
import type { ReuseSources } from './reuse-sources.ts'

/** Copies under way at once: one is read while another one is written, and a read that waits for the disk holds up nothing. */
const COPIES_IN_FLIGHT = 8

/** What came from this machine. Bytes are plain, each distinct chunk once. */
export interface ReuseTally {
  readonly chunks: number
  readonly bytes: number
}

/** What of a snapshot is missing, and where it is to be had, before any of it moves. */
export interface ReusePlan {
  /** Files of which every chunk that is missing is on this machine. */
  readonly files: number
  readonly chunks: number
  readonly bytes: number
  /** Chunks that are neither in place nor anywhere on this machine. */
  readonly missing: Bitmap
}

export interface ReuseOptions {
  readonly signal?: AbortSignal
  /** Hears of each chunk that is in place. */
  readonly onPlaced?: (chunk: number) => void
}

/** How much of what `store` lacks {@link reuseChunks} will find. */
export function planReuse(store: PlaceStore, index: SnapshotIndex, sources: ReuseSources): ReusePlan {
  const plan = { files: 0, chunks: 0, bytes: 0 }
  const located = store.have.clone()
  for (let chunk = located.nextClear(0); chunk !== undefined; chunk = located.nextClear(chunk + 1)) {
    if (sources.locate(chunk).length === 0) continue
    located.set(chunk)
    plan.chunks += 1
    plan.bytes += index.chunkBytes(chunk)
  }
  for (const [i, { type }] of index.entries.entries()) {
    if (type === 'file' && index.chunksOfFile(i).every(({ chunk }) => located.get(chunk))) plan.files += 1
  }
  const missing = Bitmap.full(index.chunksCount)
  missing.andNot(located)
  return { ...plan, missing }
}

/**
 * Takes over the files that are on this machine as a whole, which costs no reading and often no room; how many. Their chunks are placed by
 * {@link reuseChunks}.
 *
 * @throws {StorageError} `NO_SPACE`, also for what is then still to be placed; `IO_FAILED`; the signal's reason
 */
export async function reuseFiles(store: PlaceStore, index: SnapshotIndex, sources: ReuseSources, signal?: AbortSignal): Promise<number> {
  let files = 0
  for (const [i, entry] of index.entries.entries()) {
    if (entry.type !== 'file' || entry.refCount === 0) continue
    signal?.throwIfAborted()
    const whole = sources.whole(i)
    if (whole !== undefined && (await store.adopt(i, whole)) !== undefined) files += 1
  }
  await store.assertSpace()
  return files
}

/**
 * Places the chunks that are on this machine already.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; the signal's reason
 */
export async function reuseChunks(
  store: PlaceStore,
  index: SnapshotIndex,
  sources: ReuseSources,
  { signal, onPlaced }: ReuseOptions = {},
): Promise<ReuseTally> {
  const tally = { chunks: 0, bytes: 0 }
  const missing = missingChunks(store)
  const failures: Error[] = []
  const lane = async (): Promise<void> => {
    for (const chunk of missing) {
      if (failures.length > 0) return
      signal?.throwIfAborted()
      const isAdopted = store.isAdopted(chunk)
      const from = isAdopted ? [] : sources.locate(chunk)
      // What is nowhere here may be on its way from somewhere else.
      if (!isAdopted && from.length === 0) continue
      if (!(await store.copy(chunk, from))) continue
      tally.chunks += 1
      tally.bytes += index.chunkBytes(chunk)
      onPlaced?.(chunk)
    }
  }
  const failed = (error: unknown): void => void failures.push(error instanceof Error ? error : new Error(String(error)))
  await Promise.all(Array.from({ length: COPIES_IN_FLIGHT }, () => lane().catch(failed)))
  if (failures[0] !== undefined) throw failures[0]
  return tally
}

function* missingChunks({ have }: PlaceStore): Generator<number> {
  for (let chunk = have.nextClear(0); chunk !== undefined; chunk = have.nextClear(chunk + 1)) yield chunk
}
