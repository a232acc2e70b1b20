import type { ChunkingParameters } from '../chunking.ts'
import { ProtocolError } from '../errors.ts'
import { CHUNKS_MAX, CHUNK_REFS_MAX, ENTRIES_MAX } from '../limits.ts'
import { MerkleAccumulator } from '../merkle.ts'
import { assertChunkRef } from './chunk-items.ts'
import { ChunkTable } from './chunk-table.ts'
import { malformed } from './fields.ts'
import { quote } from './paths.ts'
import { TreeRules } from './tree-rules.ts'
import type { ChunkRef, EntryHeader, ManifestTotals, StageClass } from './types.ts'

/**
 * Every rule of a snapshot's content, checked as entries and chunks go by in order; the builder writes what it counts into
 * the root, the loader compares it with the root. Refuses as soon as a bound is passed, before anything grows for it.
 */
export class SnapshotTally {
  readonly chunks: ChunkTable
  readonly #chunking: ChunkingParameters
  readonly #tree = new TreeRules()
  readonly #merkle = new MerkleAccumulator()
  readonly #counts = { file: 0, directory: 0, symlink: 0 }
  #chunkRefs = 0
  #bytes = 0
  #distinctBytes = 0
  /** The file that still misses `#missing` bytes of chunks. */
  #file = ''
  #missing = 0

  /** `chunksMax`: distinct chunks to admit. */
  constructor(chunking: ChunkingParameters, chunksMax: number = CHUNKS_MAX) {
    this.#chunking = chunking
    this.chunks = new ChunkTable(Math.min(chunksMax, CHUNKS_MAX))
  }

  /** Bytes that the file last added still misses. */
  get missingBytes(): number {
    return this.#missing
  }

  enter(stage: StageClass): void {
    this.#assertFileComplete()
    this.#tree.enter(stage)
  }

  addEntry(entry: EntryHeader): void {
    this.#assertFileComplete()
    const { file, directory, symlink } = this.#counts
    assertAtMost('number of entries', file + directory + symlink + 1, ENTRIES_MAX)
    this.#tree.add(entry)
    this.#counts[entry.type]++
    if (entry.type !== 'file') return
    if (!Number.isSafeInteger(entry.bytes) || entry.bytes < 0) throw malformed(`file ${quote(entry.path)}`, `length ${entry.bytes}`)
    assertAtMost('bytes of a snapshot', this.#bytes + entry.bytes, Number.MAX_SAFE_INTEGER)
    this.#bytes += entry.bytes
    this.#file = entry.path
    this.#missing = entry.bytes
  }

  /** Adds the next chunk of the file last added; its chunk index. */
  addChunk(ref: ChunkRef): number {
    assertChunkRef(ref)
    const { digest, bytes } = ref
    this.#assertChunkFits(bytes)
    assertAtMost('number of chunk mentions', this.#chunkRefs + 1, CHUNK_REFS_MAX)
    const index = this.chunks.add(digest, bytes)
    if (index === this.#merkle.size) {
      this.#merkle.append(digest)
      this.#distinctBytes += bytes
    }
    this.#missing -= bytes
    this.#chunkRefs++
    return index
  }

  /** @throws {ProtocolError} `MALFORMED` if the last file is not complete */
  finish(): { readonly totals: ManifestTotals; readonly chunkRoot: Uint8Array } {
    this.#assertFileComplete()
    const totals = {
      files: this.#counts.file,
      directories: this.#counts.directory,
      symlinks: this.#counts.symlink,
      chunkRefs: this.#chunkRefs,
      chunks: this.chunks.size,
      bytes: this.#bytes,
      distinctBytes: this.#distinctBytes,
    }
    return { totals, chunkRoot: new Uint8Array(this.#merkle.root()) }
  }

  #assertChunkFits(bytes: number): void {
    const { bytesMin, bytesMax } = this.#chunking
    if (bytes > this.#missing) throw this.#malformedFile('its chunks are longer than the file')
    if (bytes > bytesMax) throw this.#malformedFile(`a chunk of ${bytes} bytes, ${bytesMax} at most`)
    if (bytes < bytesMin && bytes < this.#missing)
      throw this.#malformedFile(`a chunk of ${bytes} bytes before the last, ${bytesMin} at least`)
  }

  #assertFileComplete(): void {
    if (this.#missing > 0) throw this.#malformedFile(`its chunks leave ${this.#missing} bytes out`)
  }

  #malformedFile(reason: string): ProtocolError {
    return malformed(`file ${quote(this.#file)}`, reason)
  }
}

function assertAtMost(what: string, value: number, max: number): void {
  if (value > max) throw new ProtocolError({ code: 'TOO_LARGE', what, value, max })
}
