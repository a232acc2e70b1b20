import { CHUNK_BYTES_MAX, cutChunk, sha256, SHA256_BYTES } from '@cairn/protocol/chunk'
import { StorageError } from '../errors.ts'
import { readAt, withSource } from './open-source.ts'
import type { ScanJob, ScannedPiece } from './placer.ts'

/** Two of the largest chunks: a turn of some 20 ms, in which whatever else the thread is asked for waits. */
const PIECE_BYTES = 2 * CHUNK_BYTES_MAX

/** Cuts files as the publisher does, a piece at a time, in one buffer. */
export class SourceScanner {
  #buffer: Buffer | undefined

  /** Gives the buffer back. */
  clear(): void {
    this.#buffer = undefined
  }

  /** The chunks from `offset` on; `undefined` for what cannot be read. */
  scan({ path, offset, chunking }: ScanJob): ScannedPiece | undefined {
    const buffer = (this.#buffer ??= Buffer.allocUnsafeSlow(PIECE_BYTES))
    try {
      return withSource(path, (file) => {
        const end = readAt(file, offset, buffer)
        const isEnd = end < buffer.byteLength
        const ends: number[] = []
        // What is left is cut with the bytes that follow it, unless none do.
        for (let start = 0; isEnd ? start < end : end - start >= chunking.bytesMax; start = ends.at(-1)!) {
          ends.push(cutChunk(buffer, start, end, chunking))
        }
        const digests = new Uint8Array(ends.length * SHA256_BYTES)
        for (const [i, to] of ends.entries()) digests.set(sha256(buffer.subarray(ends[i - 1] ?? 0, to)), i * SHA256_BYTES)
        return { lengths: ends.map((to, i) => to - (ends[i - 1] ?? 0)), digests, isEnd }
      })
    } catch (error) {
      if (error instanceof StorageError) return undefined
      throw error
    }
  }
}
