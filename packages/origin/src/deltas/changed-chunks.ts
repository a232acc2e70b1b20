import type { ChunkPiece, SnapshotIndex } from '@cairn/protocol'
import { DELTA_SCANNED_PER_ADDED } from '../limits.ts'

/** What one snapshot has and another has not. */
export class ChangedChunks {
  /** Chunks of the new snapshot that the old one has not. */
  readonly added: readonly number[]
  /** Chunks of the old snapshot that the new one has not, within {@link DELTA_SCANNED_PER_ADDED}: what new ones are made from. */
  readonly removed: readonly number[]
  readonly removedBytes: number
  /** Position of each old chunk among the bytes of all of them, in the order of their indexes, and of the end; threads may share it. */
  readonly starts: Float64Array
  readonly #from: SnapshotIndex
  readonly #to: SnapshotIndex

  constructor(from: SnapshotIndex, to: SnapshotIndex) {
    this.#from = from
    this.#to = to
    this.added = missing(to, from)
    this.removed = this.#within(missing(from, to), DELTA_SCANNED_PER_ADDED * this.added.length)
    this.removedBytes = this.removed.reduce((sum, chunk) => sum + from.chunkBytes(chunk), 0)
    this.starts = new Float64Array(new SharedArrayBuffer(8 * (from.chunksCount + 1)))
    for (let chunk = 0; chunk < from.chunksCount; chunk++) this.starts[chunk + 1] = this.starts[chunk]! + from.chunkBytes(chunk)
  }

  #within(removed: readonly number[], countMax: number): readonly number[] {
    if (removed.length <= countMax) return removed
    const paths = new Set(this.added.flatMap((chunk) => this.#to.places(chunk).map(({ entry }) => this.#to.entries[entry]!.path)))
    const near = removed.filter((chunk) => this.#from.places(chunk).some(({ entry }) => paths.has(this.#from.entries[entry]!.path)))
    return near.slice(0, countMax)
  }

  /** The old chunks at the place of new chunk `chunk`, of a file that both snapshots have: content whose every few bytes were changed. */
  atSamePlace(chunk: number): readonly ChunkPiece[] {
    const [place] = this.#to.places(chunk)
    if (place === undefined) return []
    const entry = this.#from.entryAt(this.#to.entries[place.entry]!.path)
    if (entry === undefined || this.#from.entries[entry]!.type !== 'file') return []
    const end = place.offset + this.#to.chunkBytes(chunk)
    const chunks = new Set([...this.#from.chunksOfFile(entry, place.offset, end)].map((piece) => piece.chunk))
    return [...chunks].slice(0, PLACES_MAX).map((old) => ({ chunk: old, offset: 0, bytes: this.#from.chunkBytes(old) }))
  }
}

/** Old chunks that are at the place of one: two of the largest, or what a file was cut into there; more say little. */
const PLACES_MAX = 2

function missing(index: SnapshotIndex, other: SnapshotIndex): readonly number[] {
  const chunks: number[] = []
  for (let chunk = 0; chunk < index.chunksCount; chunk++) if (other.findChunk(index.chunkDigest(chunk)) === undefined) chunks.push(chunk)
  return chunks
}
