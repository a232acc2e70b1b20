import { type Bitmap, SHA256_BYTES, type SnapshotIndex } from '@cairn/protocol'
import { isSameFile } from '../place/adopt-file.ts'
import { fingerprintFile } from '../place/fingerprints.ts'
import type { ChunkLocation, Placer, WholeFile } from '../place/placer.ts'

/**
 * Where chunks of one snapshot were found by cutting files as its publisher does: content that moved, grew or was renamed is found
 * wherever it is. Remembers one place for each chunk, so memory is bounded by the snapshot, however much is scanned.
 */
export class ScannedFiles {
  readonly #target: SnapshotIndex
  readonly #placer: Placer
  readonly #paths: string[] = []
  /** By chunk: number of the file + 1, 0 if it was not found; and the offset in it. */
  readonly #files: Uint32Array
  readonly #offsets: Float64Array
  readonly #wholes = new Map<number, WholeFile>()

  constructor(target: SnapshotIndex, placer: Placer) {
    this.#target = target
    this.#placer = placer
    this.#files = new Uint32Array(target.chunksCount)
    this.#offsets = new Float64Array(target.chunksCount)
  }

  /** Cuts the file at `path` and notes the chunks that `have` lacks. Resolves to the bytes that were read. */
  async scan(path: string, have: Bitmap, signal: AbortSignal | undefined): Promise<number> {
    const before = await fingerprintFile(path)
    if (before === undefined || before.bytes === 0) return 0
    const number = this.#paths.push(path)
    /** Its chunks, as long as all of them are the target's. */
    let chunks: number[] | undefined = []
    let offset = 0
    for (;;) {
      signal?.throwIfAborted()
      const piece = await this.#placer.scan({ path, offset, chunking: this.#target.root.chunking })
      if (piece === undefined) return offset
      for (const [i, bytes] of piece.lengths.entries()) {
        const chunk = this.#target.findChunk(piece.digests.subarray(i * SHA256_BYTES, (i + 1) * SHA256_BYTES))
        if (chunk === undefined) chunks = undefined
        else {
          chunks?.push(chunk)
          if (!have.get(chunk) && this.#files[chunk] === 0) this.#note(chunk, number, offset)
        }
        offset += bytes
      }
      if (piece.isEnd || piece.lengths.length === 0) break
    }
    const after = await fingerprintFile(path)
    if (chunks !== undefined && after !== undefined && isSameFile(after, before)) this.#noteWhole(chunks, { ...before, path })
    return offset
  }

  locate(chunk: number): ChunkLocation | undefined {
    const number = this.#files[chunk] ?? 0
    return number === 0 ? undefined : { path: this.#paths[number - 1]!, offset: this.#offsets[chunk]! }
  }

  /** A file that is, as a whole, the file `entry` of the target. */
  whole(entry: number): WholeFile | undefined {
    return this.#wholes.get(entry)
  }

  #note(chunk: number, file: number, offset: number): void {
    this.#files[chunk] = file
    this.#offsets[chunk] = offset
  }

  #noteWhole(chunks: readonly number[], file: WholeFile): void {
    const [first] = chunks
    if (first === undefined) return
    for (const { entry, offset } of this.#target.places(first)) {
      const wanted = this.#target.entries[entry]
      if (offset !== 0 || wanted?.type !== 'file' || wanted.bytes !== file.bytes || wanted.refCount !== chunks.length) continue
      if (this.#wholes.has(entry)) continue
      if (chunks.every((chunk, i) => this.#target.refChunk(wanted.firstRef + i) === chunk)) this.#wholes.set(entry, file)
    }
  }
}
