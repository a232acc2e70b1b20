import { SKETCH_VALUES } from '../limits.ts'
import { NO_VALUE } from './sketch.ts'
import type { SketchTable } from './sketch-table.ts'

/** Entries of one index, 8 bytes each: 128 MiB, all values of a million chunks. Of larger snapshots fewer values are looked up. */
const ENTRIES_MAX = 16 * 1024 * 1024
/**
 * Chunks that may have a value: what more of them have in common tells nobody apart, as a page of zeros does not, nor the hash of an empty
 * account in every table. Such values are no reason for a base; a base for each of them would take the room of better ones.
 */
const CANDIDATES_PER_VALUE_MAX = 16

const BYTES = new Uint8Array(Uint32Array.of(1).buffer)
/** Which half of a 64-bit word in memory is the upper one, on this machine. */
const UPPER = BYTES[0] === 1 ? 1 : 0

/** Finds the chunks of one snapshot that have values of a sketch. */
export class SketchIndex {
  /** Values that are looked up: the first of each sketch. */
  readonly valuesCount: number
  /** For each value a part of its own, ascending by value and then by chunk: value in the upper half, chunk in the lower. */
  readonly #words: Uint32Array
  readonly #chunksCount: number

  constructor(table: SketchTable) {
    const chunksCount = table.length / SKETCH_VALUES
    this.#chunksCount = chunksCount
    this.valuesCount = Math.max(1, Math.min(SKETCH_VALUES, Math.floor(ENTRIES_MAX / Math.max(1, chunksCount))))
    const sortable = new BigUint64Array(this.valuesCount * chunksCount)
    this.#words = new Uint32Array(sortable.buffer)
    for (let i = 0; i < this.valuesCount; i++) {
      for (let chunk = 0; chunk < chunksCount; chunk++) {
        const at = 2 * (i * chunksCount + chunk)
        this.#words[at + UPPER] = table[chunk * SKETCH_VALUES + i]!
        this.#words[at + 1 - UPPER] = chunk
      }
      sortable.subarray(i * chunksCount, (i + 1) * chunksCount).sort()
    }
  }

  /** For each chunk that has values of `sketch` that tell chunks apart: which, one bit for each. At most some hundred chunks. */
  #matches(sketch: Uint32Array): Map<number, number> {
    const found = new Map<number, number>()
    for (let i = 0; i < this.valuesCount; i++) {
      const value = sketch[i]!
      if (value === NO_VALUE) continue
      const start = i * this.#chunksCount
      const end = start + this.#chunksCount
      const first = this.#lowerBound(value, start, end)
      if (first + CANDIDATES_PER_VALUE_MAX < end && this.#words[2 * (first + CANDIDATES_PER_VALUE_MAX) + UPPER] === value) {
        continue
      }
      for (let at = first; at < end && this.#words[2 * at + UPPER] === value; at++) {
        const chunk = this.#words[2 * at + 1 - UPPER]!
        found.set(chunk, (found.get(chunk) ?? 0) | (1 << i))
      }
    }
    return found
  }

  /** Up to `chunksMax` chunks that have values of `sketch`, the one with the most first, then each for the values that those before it lack. */
  cover(sketch: Uint32Array, chunksMax: number): readonly number[] {
    const matches = this.#matches(sketch)
    const chunks: number[] = []
    let uncovered = (1 << this.valuesCount) - 1
    while (chunks.length < chunksMax) {
      const best = bestOf(matches, uncovered)
      if (best === undefined) break
      chunks.push(best)
      uncovered &= ~matches.get(best)!
      matches.delete(best)
    }
    return chunks
  }

  #lowerBound(value: number, from: number, to: number): number {
    let low = from
    let high = to
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#words[2 * middle + UPPER]! < value) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The chunk with the most of the `uncovered` values, of several the one with the most values; `undefined` if none has any. */
function bestOf(matches: ReadonlyMap<number, number>, uncovered: number): number | undefined {
  let best: number | undefined
  let bestScore = 0
  for (const [chunk, values] of matches) {
    const gain = onesOf(values & uncovered)
    const score = gain === 0 ? 0 : gain * (SKETCH_VALUES + 1) + onesOf(values)
    if (score <= bestScore) continue
    best = chunk
    bestScore = score
  }
  return best
}

function onesOf(bits: number): number {
  let count = 0
  for (let left = bits >>> 0; left !== 0; left = (left & (left - 1)) >>> 0) count++
  return count
}
