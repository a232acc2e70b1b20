import type { ChunkAmount } from './diff.ts'
import type { SnapshotIndex } from './snapshot-index.ts'

/** How a holder of one snapshot gets another, before it fetches anything: distinct chunks and their plain bytes, by method. */
export interface UpdatePlan {
  /** Chunks that it has. */
  readonly reuse: ChunkAmount
  /** Chunks that come as deltas, and the bytes of those. */
  readonly delta: ChunkAmount & { readonly frameBytes: number }
  /** Chunks that come whole: their frames take at most a byte more each, and less where they compress. */
  readonly whole: ChunkAmount
  /** Manifest pages that it has, and those that it fetches. */
  readonly pages: { readonly shared: number; readonly toFetch: number }
  /** The most that is fetched, but for manifest pages. */
  readonly fetchBytesMax: number
}

/** `deltaSizes`: frame bytes of deltas from `from`, by chunk index of `to`, as a peer gave them: a plan and no promise. */
export function planUpdate(from: SnapshotIndex, to: SnapshotIndex, deltaSizes: ReadonlyMap<number, number> = new Map()): UpdatePlan {
  const reuse = { chunks: 0, bytes: 0 }
  const delta = { chunks: 0, bytes: 0, frameBytes: 0 }
  const whole = { chunks: 0, bytes: 0 }
  for (let chunk = 0; chunk < to.chunksCount; chunk++) {
    const frameBytes = deltaSizes.get(chunk)
    const isHere = from.findChunk(to.chunkDigest(chunk)) !== undefined
    const amount = isHere ? reuse : frameBytes === undefined ? whole : delta
    amount.chunks += 1
    amount.bytes += to.chunkBytes(chunk)
    if (amount === delta) delta.frameBytes += frameBytes ?? 0
  }
  const known = new Set(from.pages.map(String))
  const shared = to.pages.filter((page) => known.has(page.toString())).length
  return {
    reuse,
    delta,
    whole,
    pages: { shared, toFetch: to.pages.length - shared },
    fetchBytesMax: delta.frameBytes + whole.bytes + whole.chunks,
  }
}
