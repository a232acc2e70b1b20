import type { CID } from '@cairn/protocol'
import type { BlockSource } from '@cairn/storage'

/**
 * The last frames that came from a complete source while others fetch the same snapshot: what they will ask for next.
 *
 * Served from here a frame goes out as it came, compressed, and nothing is read back. Holds at most `bytesMax` bytes.
 */
export class RecentFrames {
  readonly #bytesMax: number
  /** By CID, the oldest first. */
  readonly #frames = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Keeps a verified frame, which nobody may write to or free any more. */
  keep(cid: CID, frame: Uint8Array): void {
    const key = cid.toString()
    if (this.#frames.has(key) || frame.byteLength > this.#bytesMax) return
    this.#frames.set(key, frame)
    this.#bytes += frame.byteLength
    for (const [oldest, { byteLength }] of this.#frames) {
      if (this.#bytes <= this.#bytesMax) return
      this.#frames.delete(oldest)
      this.#bytes -= byteLength
    }
  }

  /** `source`, which is asked only for what is not here. */
  before(source: BlockSource): BlockSource {
    return {
      has: (cid) => source.has(cid),
      get: async (cid) => this.#frames.get(cid.toString()) ?? source.get(cid),
    }
  }
}
