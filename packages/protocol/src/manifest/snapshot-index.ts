import { type CID, chunkCid, cidDigest, isPageCid } from '../cid.ts'
import type { ChunkTable } from './chunk-table.ts'
import { type DirectoryEntry, type FileHeader, type ManifestRoot, STAGES, type StageClass, type SymlinkEntry } from './types.ts'

/** A file; its chunks are the mentions `firstRef` to `firstRef + refCount`, see {@link SnapshotIndex.refChunk}. */
export interface IndexedFile extends FileHeader {
  readonly stage: StageClass
  readonly firstRef: number
  readonly refCount: number
}

export interface IndexedDirectory extends DirectoryEntry {
  readonly stage: StageClass
}

export interface IndexedSymlink extends SymlinkEntry {
  readonly stage: StageClass
}

export type IndexedEntry = IndexedFile | IndexedDirectory | IndexedSymlink

/** Where a chunk goes: index of the file in {@link SnapshotIndex.entries}, and byte offset in it. */
export interface ChunkPlace {
  readonly entry: number
  readonly offset: number
}

/** One piece of a file: chunk index, byte offset in the file, length. */
export interface FileChunk {
  readonly chunk: number
  readonly offset: number
  readonly bytes: number
}

/** Half-open range of indexes. */
export interface IndexRange {
  readonly from: number
  readonly to: number
}

/** What `ManifestLoader` has put together and checked. */
export interface SnapshotIndexInit {
  readonly root: ManifestRoot
  readonly cid: CID
  readonly pages: readonly CID[]
  readonly entries: readonly IndexedEntry[]
  readonly chunks: ChunkTable
  /** Chunk index of every mention, in order. */
  readonly refs: Uint32Array
  /** First chunk index of each stage, and the number of chunks. */
  readonly stageStarts: readonly number[]
}

/**
 * Everything a download and a placer of files need to know of one snapshot: 64 to 108 bytes a chunk, and its entries.
 *
 * The *chunk index* numbers distinct chunks in order of first appearance over the sections, so the chunks that a stage is
 * the first to need are one range. A *mention* is one use of a chunk in a file; mentions are numbered in the same order.
 * `entries` are in the order of the manifest: sections in order, paths ascending within each, parents before children.
 */
export class SnapshotIndex {
  readonly root: ManifestRoot
  /** The snapshot's name: CID of the root. */
  readonly cid: CID
  /** Every block of the manifest once: the root, then pages in reading order. */
  readonly pages: readonly CID[]
  readonly entries: readonly IndexedEntry[]
  readonly #chunks: ChunkTable
  readonly #refs: Uint32Array
  readonly #stageStarts: readonly number[]
  /** Byte offset of every mention in its file. */
  readonly #refOffsets: Float64Array
  /** Entry index of the files that have chunks, and their first mention: ascending, so a mention finds its file. */
  readonly #files: Uint32Array
  readonly #filesFirstRef: Uint32Array
  /** Mentions grouped by chunk: those of chunk `i` are `#placeRefs[#placeStarts[i]]` up to `#placeStarts[i + 1]`. */
  readonly #placeStarts: Uint32Array
  readonly #placeRefs: Uint32Array
  #byPath: ReadonlyMap<string, number> | undefined

  constructor({ root, cid, pages, entries, chunks, refs, stageStarts }: SnapshotIndexInit) {
    this.root = root
    this.cid = cid
    this.pages = pages
    this.entries = entries
    this.#chunks = chunks
    this.#refs = refs
    this.#stageStarts = stageStarts
    const files = entries.flatMap((entry, i) => (entry.type === 'file' && entry.refCount > 0 ? [{ entry, i }] : []))
    this.#files = Uint32Array.from(files, ({ i }) => i)
    this.#filesFirstRef = Uint32Array.from(files, ({ entry }) => entry.firstRef)
    this.#refOffsets = this.#offsets()
    this.#placeStarts = this.#countPlaces()
    this.#placeRefs = this.#groupPlaces()
  }

  /** Distinct chunks. */
  get chunksCount(): number {
    return this.#chunks.size
  }

  /** SHA-256 of the plain chunk; a view, not to be written to. */
  chunkDigest(chunk: number): Uint8Array {
    this.#assertChunk(chunk)
    return this.#chunks.digest(chunk)
  }

  chunkCid(chunk: number): CID {
    return chunkCid(this.chunkDigest(chunk).slice())
  }

  /** Length of the plain chunk. */
  chunkBytes(chunk: number): number {
    this.#assertChunk(chunk)
    return this.#chunks.bytes(chunk)
  }

  /** The earliest stage that needs the chunk. */
  chunkStage(chunk: number): StageClass {
    this.#assertChunk(chunk)
    return STAGES.findLast((_, i) => chunk >= this.#stageStarts[i]!)!
  }

  /** The index of the chunk `cid`; `undefined` if it is not of this snapshot. */
  chunkOf(cid: CID): number | undefined {
    return isPageCid(cid) ? undefined : this.findChunk(cidDigest(cid))
  }

  /** The index of the chunk with SHA-256 `digest`; `undefined` if it is not of this snapshot. */
  findChunk(digest: Uint8Array): number | undefined {
    return this.#chunks.find(digest)
  }

  /** The chunk of mention `ref`, 0 to `root.totals.chunkRefs`. */
  refChunk(ref: number): number {
    const chunk = this.#refs[ref]
    if (chunk === undefined) throw new RangeError(`no mention ${ref}`)
    return chunk
  }

  /** Every place the chunk goes, in the order of the manifest; at least one. */
  places(chunk: number): readonly ChunkPlace[] {
    this.#assertChunk(chunk)
    const refs = this.#placeRefs.subarray(this.#placeStarts[chunk], this.#placeStarts[chunk + 1])
    return Array.from(refs, (ref) => ({ entry: this.#fileOf(ref), offset: this.#refOffsets[ref]! }))
  }

  /** The pieces of the file `entry` that overlap its bytes `from` to `to` (exclusive), in order; of the whole file by default. */
  *chunksOfFile(entry: number, from = 0, to: number = Number.POSITIVE_INFINITY): Generator<FileChunk> {
    const file = this.entries[entry]
    if (file?.type !== 'file') throw new RangeError(`entry ${entry} is not a file`)
    const end = file.firstRef + file.refCount
    if (from >= to || file.refCount === 0) return
    for (let ref = lastAtMost(this.#refOffsets, from, file.firstRef, end); ref < end && this.#refOffsets[ref]! < to; ref++) {
      const piece = { chunk: this.#refs[ref]!, offset: this.#refOffsets[ref]!, bytes: this.#chunks.bytes(this.#refs[ref]!) }
      if (piece.offset + piece.bytes > from) yield piece
    }
  }

  /** The chunks that `stage` needs and no earlier stage does: one range of chunk indexes. */
  stageRange(stage: StageClass): IndexRange {
    const i = STAGES.indexOf(stage)
    return { from: this.#stageStarts[i]!, to: this.#stageStarts[i + 1]! }
  }

  /** {@link stageRange}, one by one. */
  *stageChunks(stage: StageClass): Generator<number> {
    const { from, to } = this.stageRange(stage)
    for (let chunk = from; chunk < to; chunk++) yield chunk
  }

  /** The index of the entry at `path`. The first call indexes all paths. */
  entryAt(path: string): number | undefined {
    this.#byPath ??= new Map(this.entries.map((entry, i) => [entry.path, i]))
    return this.#byPath.get(path)
  }

  #offsets(): Float64Array {
    const offsets = new Float64Array(this.#refs.length)
    for (const i of this.#files) {
      const file = this.entries[i] as IndexedFile
      let offset = 0
      for (let ref = file.firstRef; ref < file.firstRef + file.refCount; ref++) {
        offsets[ref] = offset
        offset += this.#chunks.bytes(this.#refs[ref]!)
      }
    }
    return offsets
  }

  #countPlaces(): Uint32Array {
    const starts = new Uint32Array(this.#chunks.size + 1)
    for (const chunk of this.#refs) starts[chunk + 1]!++
    for (let i = 1; i < starts.length; i++) starts[i]! += starts[i - 1]!
    return starts
  }

  #groupPlaces(): Uint32Array {
    const next = this.#placeStarts.slice()
    const grouped = new Uint32Array(this.#refs.length)
    for (const [ref, chunk] of this.#refs.entries()) grouped[next[chunk]!++] = ref
    return grouped
  }

  #fileOf(ref: number): number {
    return this.#files[lastAtMost(this.#filesFirstRef, ref, 0, this.#filesFirstRef.length)]!
  }

  #assertChunk(chunk: number): void {
    if (!Number.isInteger(chunk) || chunk < 0 || chunk >= this.#chunks.size) throw new RangeError(`no chunk ${chunk}`)
  }
}

/** Index of the last of the ascending `values` in `[start, end)` that is at most `value`; `start` if none is. */
function lastAtMost(values: Uint32Array | Float64Array, value: number, start: number, end: number): number {
  let low = start
  let high = end
  while (high - low > 1) {
    const middle = (low + high) >>> 1
    if (values[middle]! <= value) low = middle
    else high = middle
  }
  return low
}
