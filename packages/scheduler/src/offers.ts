import { OFFER_HORIZON_MS, OFFER_SHARE_MAX } from './limits.ts'
import type { Source } from './source.ts'

/** Bytes of the frames that a source would send of some chunks, by chunk: deltas to what the node has, and so smaller than others' frames. */
export type FrameSizes = readonly (readonly [chunk: number, frameBytes: number])[]

/**
 * Which chunks some source can send in much fewer bytes than others would, and whether they are to be left to it.
 *
 * They are as long as one that offers them answers, and has at its pace all of them sent soon: what waiting can cost is bounded, and what it
 * saves is the difference of a delta and a frame for each.
 */
export class Offers {
  readonly #chunkBytes: (chunk: number) => number
  /** How many sources offer each chunk. */
  readonly #offerers: Uint16Array
  /** The least that any has offered it for. */
  readonly #bytes: Float64Array
  readonly #sources = new Set<Source>()
  /** Bytes that are still to come of what is offered. */
  #missingBytes = 0

  constructor(chunksCount: number, chunkBytes: (chunk: number) => number) {
    this.#chunkBytes = chunkBytes
    this.#offerers = new Uint16Array(chunksCount)
    this.#bytes = new Float64Array(chunksCount)
  }

  /** Whether anybody offers `chunk`. */
  has(chunk: number): boolean {
    return this.#offerers[chunk]! > 0
  }

  /** `source` offers chunks; those that are worth it, by what their frames take elsewhere. `isMissing` tells which are to be fetched. */
  add(source: Source, sizes: FrameSizes, isMissing: (chunk: number) => boolean): readonly number[] {
    const taken: number[] = []
    for (const [chunk, frameBytes] of sizes) {
      if (chunk >= this.#offerers.length || source.offers.has(chunk)) continue
      if (frameBytes > this.#chunkBytes(chunk) * OFFER_SHARE_MAX) continue
      source.offers.add(chunk)
      const before = this.has(chunk) ? this.#bytes[chunk]! : undefined
      this.#bytes[chunk] = Math.min(before ?? frameBytes, frameBytes)
      this.#offerers[chunk]! += 1
      if (isMissing(chunk)) this.#missingBytes += this.#bytes[chunk] - (before ?? 0)
      taken.push(chunk)
    }
    if (source.offers.size > 0) this.#sources.add(source)
    return taken
  }

  /** `source` left; the chunks that nobody offers any more. */
  remove(source: Source, isMissing: (chunk: number) => boolean): readonly number[] {
    return [...source.offers].filter((chunk) => this.withdraw(source, chunk, isMissing(chunk)))
  }

  /** `source` does not send `chunk` after all; whether nobody offers it any more. */
  withdraw(source: Source, chunk: number, isMissing: boolean): boolean {
    if (!source.offers.delete(chunk)) return false
    if (source.offers.size === 0) this.#sources.delete(source)
    this.#offerers[chunk]! -= 1
    if (this.has(chunk)) return false
    if (isMissing) this.#missingBytes -= this.#bytes[chunk]!
    return true
  }

  /** `chunk` is missing, or not any more. */
  changed(chunk: number, isMissing: boolean): void {
    if (this.has(chunk)) this.#missingBytes += isMissing ? this.#bytes[chunk]! : -this.#bytes[chunk]!
  }

  /**
   * Whether what is offered is left to those who offer it. `isAsked` tells whether a source is asked for anything at all: what one offers
   * that is not, or does not answer, would be waited for in vain.
   */
  areKept(now: number, isAsked: (source: Source) => boolean): boolean {
    if (this.#sources.size === 0) return false
    let bytesPerSecond = 0
    for (const source of this.#sources) {
      if (!source.isAnswering(now) || !isAsked(source)) return false
      // What has not answered yet has not been slow either.
      bytesPerSecond += source.pace.isKnown ? source.pace.bytesPerSecond(now) : Number.POSITIVE_INFINITY
    }
    return this.#missingBytes * 1000 <= bytesPerSecond * OFFER_HORIZON_MS
  }
}
