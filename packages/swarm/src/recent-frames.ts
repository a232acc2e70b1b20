import type { CID } from '@cairn/protocol'
import type { BlockSource } from '@cairn/storage'
import type { DeltaSource } from './delta-source.ts'

interface RecentDelta {
  readonly frame: Uint8Array
  /** Snapshots that we had said we hold when it came: its bases are among their chunks. */
  readonly basis: readonly CID[]
}

/**
 * The last frames that came from a complete source while others fetch the same snapshot: what they will ask for next.
 *
 * Served from here a frame goes out as it came, compressed, and nothing is read back. Holds at most `bytesMax` bytes.
 */
export class RecentFrames {
  readonly #bytesMax: number
  /** By CID, the oldest first. */
  readonly #frames = new Map<string, Uint8Array | RecentDelta>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Keeps a verified frame, which nobody may write to or free any more. */
  keep(cid: CID, frame: Uint8Array): void {
    this.#keep(cid, frame, frame.byteLength)
  }

  /** The same for a delta that came when we had said that we hold `basis`. */
  keepDelta(cid: CID, frame: Uint8Array, basis: readonly CID[]): void {
    this.#keep(cid, { frame, basis }, frame.byteLength)
  }

  /** `source`, which is asked only for what is not here. */
  before(source: BlockSource): BlockSource {
    return {
      has: (cid) => source.has(cid),
      get: async (cid) => {
        const kept = this.#frames.get(cid.toString())
        return kept instanceof Uint8Array ? kept : source.get(cid)
      },
    }
  }

  /** `deltas`, which are asked only for what is not here. A delta goes to whoever has all that we had when it came to us. */
  beforeDeltas(deltas: DeltaSource): DeltaSource {
    return {
      offer: (snapshot, from) => deltas.offer(snapshot, from),
      delta: async (cid, basis) => {
        const kept = this.#frames.get(cid.toString())
        if (kept === undefined || kept instanceof Uint8Array) return deltas.delta(cid, basis)
        const isUsable = kept.basis.every((wanted) => basis.some((cid) => cid.equals(wanted)))
        return isUsable ? kept.frame : deltas.delta(cid, basis)
      },
    }
  }

  #keep(cid: CID, frame: Uint8Array | RecentDelta, bytes: number): void {
    const key = cid.toString()
    if (this.#frames.has(key) || bytes > this.#bytesMax) return
    this.#frames.set(key, frame)
    this.#bytes += bytes
    for (const [oldest, old] of this.#frames) {
      if (this.#bytes <= this.#bytesMax) return
      this.#frames.delete(oldest)
      this.#bytes -= old instanceof Uint8Array ? old.byteLength : old.frame.byteLength
    }
  }
}
