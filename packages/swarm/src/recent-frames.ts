import type { CID } from '@cairn/protocol'
import type { BlockSource } from '@cairn/storage'
import type { DeltaSource } from './delta-source.ts'

interface RecentFrame {
  readonly frame: Uint8Array
  /** Of a delta, the snapshots that we had said we hold when it came: its bases are among their chunks. */
  readonly basis: readonly CID[] | undefined
}

/**
 * The last frames that came from a complete source while others fetch the same snapshot: what they will ask for next.
 *
 * Served from here a frame goes out as it came, compressed, and nothing is read back. Holds at most `bytesMax` bytes.
 */
export class RecentFrames {
  readonly #bytesMax: number
  /** By CID, the oldest first. */
  readonly #frames = new Map<string, RecentFrame>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Keeps a verified frame, which nobody may write to or free any more. */
  keep(cid: CID, frame: Uint8Array): void {
    this.#keep(cid, { frame, basis: undefined })
  }

  /** The same for a delta that came when we had said that we hold `basis`. */
  keepDelta(cid: CID, frame: Uint8Array, basis: readonly CID[]): void {
    this.#keep(cid, { frame, basis })
  }

  /** `source`, which is asked only for what is not here. */
  before(source: BlockSource): BlockSource {
    return {
      has: (cid) => source.has(cid),
      get: async (cid) => {
        const kept = this.#frames.get(cid.toString())
        return kept !== undefined && kept.basis === undefined ? kept.frame : source.get(cid)
      },
    }
  }

  /** `deltas`, which are asked only for what is not here. A delta goes to whoever has all that we had when it came to us. */
  beforeDeltas(deltas: DeltaSource): DeltaSource {
    return {
      offer: (snapshot, from) => deltas.offer(snapshot, from),
      delta: async (cid, basis) => {
        const kept = this.#frames.get(cid.toString())
        const isUsable = kept?.basis?.every((wanted) => basis.some((held) => held.equals(wanted))) === true
        return isUsable ? kept.frame : deltas.delta(cid, basis)
      },
    }
  }

  #keep(cid: CID, recent: RecentFrame): void {
    const key = cid.toString()
    const { byteLength } = recent.frame
    if (this.#frames.has(key) || byteLength > this.#bytesMax) return
    this.#frames.set(key, recent)
    this.#bytes += byteLength
    for (const [oldest, old] of this.#frames) {
      if (this.#bytes <= this.#bytesMax) return
      this.#frames.delete(oldest)
      this.#bytes -= old.frame.byteLength
    }
  }
}
