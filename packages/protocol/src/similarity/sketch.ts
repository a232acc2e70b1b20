import { type ChunkingParameters, cutChunk, type HashSampler } from '../chunking.ts'
import { SKETCH_VALUES } from '../limits.ts'

/** In the place of a value where nothing was sampled, as in an empty chunk: none is larger. */
export const NO_VALUE = 0xffff_ffff

/** One odd factor for each value: as good as {@link SKETCH_VALUES} independent orders of all hashes. Frozen: they are in stored sketches. */
const FACTORS = Int32Array.from({ length: SKETCH_VALUES }, (_, i) => Math.imul(0x9e37_79b1, 2 * i + 1) | 1)
const SCRAMBLE = 0x2c1b_3c6d

/**
 * Collects the sketch of one chunk: for each of {@link SKETCH_VALUES} orders of the hashes, the first of those that were sampled.
 *
 * Two chunks agree in a value about as often as what they have in common is a part of what either has (min-wise hashing): a moved, cut or
 * edited chunk is found again by the values that it kept.
 *
 * @see ../../spec/sketch.md
 */
export class Sketcher implements HashSampler {
  readonly values = new Uint32Array(SKETCH_VALUES).fill(NO_VALUE)

  add(hash: number): void {
    const { values } = this
    for (let i = 0; i < SKETCH_VALUES; i++) {
      let value = Math.imul(hash, FACTORS[i]!)
      value ^= value >>> 15
      value = Math.imul(value, SCRAMBLE) >>> 0
      if (value < values[i]!) values[i] = value
    }
  }

  /** Begins the next chunk. */
  reset(): void {
    this.values.fill(NO_VALUE)
  }
}

/** The sketch of a chunk that is whole in memory and was cut with `parameters`. */
export function sketchChunk(plain: Uint8Array, parameters: ChunkingParameters): Uint32Array {
  const sketcher = new Sketcher()
  cutChunk(plain, 0, plain.byteLength, parameters, sketcher)
  return sketcher.values
}
