import { SKETCH_VALUES } from '../limits.ts'
import { NO_VALUE } from './sketch.ts'
import type { SketchTable } from './sketch-table.ts'

/** Entries of one index, 8 bytes each: 128 MiB, all values of a million chunks. Of larger snapshots fewer values are looked up. */
const ENTRIES_MAX = 16 * 1024 * 1024
/** Chunks looked at for one value: what more of them have in common tells nobody apart, as a page of zeros does not. */
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

  /** For each chunk that has values of `sketch` in common: which, one bit for each. At most some hundred chunks. */
  matches(sketch: Uint32Array): ReadonlyMap<number, number> {
    const found = new Map<number, number>()
    for (let i = 0; i < this.valuesCount; i++) {
      const value = sketch[i]!
      if (value === NO_VALUE) continue
      const start = i * this.#chunksCount
      const end = start + this.#chunksCount
      const first = this.#lowerBound(value, start, end)
      for (let at = first; at < Math.min(end, first + CANDIDATES_PER_VALUE_MAX) && this.#words[2 * at + UPPER] === value; at++) {
        const chunk = this.#words[2 * at + 1 - UPPER]!
        found.set(chunk, (found.get(chunk) ?? 0) | (1 << i))
      }
    }
    return found
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
