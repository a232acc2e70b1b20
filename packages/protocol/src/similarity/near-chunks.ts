import { DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX, SKETCH_VALUES } from '../limits.ts'
import type { SnapshotIndex } from '../manifest/index.ts'
import { SketchIndex } from './sketch-index.ts'
import type { SketchTable } from './sketch-table.ts'

/** A snapshot and the sketches of its chunks. */
export interface SketchedSnapshot {
  readonly index: SnapshotIndex
  readonly sketches: SketchTable
}

/** Chooses, for chunks of `to`, the chunks of `from` that they are best made from. */
export class NearChunks {
  readonly #from: SketchedSnapshot
  readonly #to: SketchedSnapshot
  readonly #sketches: SketchIndex

  constructor(from: SketchedSnapshot, to: SketchedSnapshot) {
    this.#from = from
    this.#to = to
    this.#sketches = new SketchIndex(from.sketches)
  }

  /** Chunks of `to` that `from` has not. */
  *changed(): Generator<number> {
    const { index } = this.#to
    for (let chunk = 0; chunk < index.chunksCount; chunk++) {
      if (this.#from.index.findChunk(index.chunkDigest(chunk)) === undefined) yield chunk
    }
  }

  /**
   * Up to {@link DELTA_BASES_MAX} chunks of `from` for chunk `chunk` of `to`, the nearest first; none where nothing speaks for any.
   *
   * First those that have values of its sketch, each for what those before it left uncovered. If values are left, so is something to be found:
   * room goes to what lies beside them, then to what was at the same place of the same file and beside the neighbours that did not change: parts of a chunk that no value
   * speaks for are most often there.
   */
  basesOf(chunk: number): readonly number[] {
    const chosen = new Choice(this.#from.index)
    const sketch = this.#to.sketches.subarray(chunk * SKETCH_VALUES, (chunk + 1) * SKETCH_VALUES)
    const { chunks, isCovered } = this.#sketches.cover(sketch, DELTA_BASES_MAX)
    for (const base of chunks) chosen.add(base)
    if (isCovered) return chosen.bases
    const near = chosen.bases.slice()
    for (const base of near) for (const beside of [base + 1, base - 1]) chosen.add(beside)
    for (const base of this.#besideNeighbours(chunk)) chosen.add(base)
    for (const base of this.#atSamePlace(chunk)) chosen.add(base)
    return chosen.bases
  }

  *#besideNeighbours(chunk: number): Generator<number> {
    const { index } = this.#to
    for (const side of [-1, 1]) {
      if (chunk + side < 0 || chunk + side >= index.chunksCount) continue
      const neighbour = this.#from.index.findChunk(index.chunkDigest(chunk + side))
      if (neighbour !== undefined) yield neighbour - side
    }
  }

  *#atSamePlace(chunk: number): Generator<number> {
    const [place] = this.#to.index.places(chunk)
    if (place === undefined) return
    const entry = this.#from.index.entryAt(this.#to.index.entries[place.entry]!.path)
    if (entry === undefined || this.#from.index.entries[entry]!.type !== 'file') return
    for (const piece of this.#from.index.chunksOfFile(entry, place.offset, place.offset + this.#to.index.chunkBytes(chunk)))
      yield piece.chunk
  }
}

/** Bases chosen so far, within their bounds. */
class Choice {
  readonly #index: SnapshotIndex
  readonly bases: number[] = []
  #bytes = 0

  constructor(index: SnapshotIndex) {
    this.#index = index
  }

  get isFull(): boolean {
    return this.bases.length === DELTA_BASES_MAX
  }

  add(chunk: number): void {
    if (this.isFull || chunk < 0 || chunk >= this.#index.chunksCount || this.bases.includes(chunk)) return
    const bytes = this.#index.chunkBytes(chunk)
    if (this.#bytes + bytes > DELTA_BASES_BYTES_MAX) return
    this.#bytes += bytes
    this.bases.push(chunk)
  }
}
