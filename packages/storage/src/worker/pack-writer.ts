import { closeSync, openSync, writevSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { storageErrorOf } from '../io-error.ts'
import { encodeRecordHeader, PACK_MAGIC, type PackedFrame, RECORD_HEADER_BYTES } from '../pack-format.ts'

/**
 * Fills one pack of a block store, with synchronous calls: for a thread that does nothing else.
 *
 * What it wrote belongs to the store once the store has been told (`takePacked`); the store cuts off the rest.
 */
export class PackWriter implements Disposable {
  readonly path: string
  readonly #file: number
  #end = 0

  /**
   * Starts the pack `path`, which does not exist yet.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  constructor(path: string) {
    this.path = path
    try {
      this.#file = openSync(path, 'wx')
    } catch (cause) {
      throw storageErrorOf(cause, path)
    }
    this.#write([PACK_MAGIC])
  }

  /**
   * Appends frames, each in pieces and with the CID (in binary) of its block; the memory of the pieces is free again afterwards.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; none of these frames counts, and the next ones take their place
   */
  append(blocks: readonly { readonly cid: Uint8Array; readonly frame: readonly Uint8Array[] }[]): PackedFrame[] {
    const parts: Uint8Array[] = []
    const packed: PackedFrame[] = []
    let at = this.#end
    for (const { cid, frame } of blocks) {
      const bytes = lengthOf(frame)
      const checksum = frame.reduce((sum, piece) => crc32(piece, sum), 0)
      parts.push(encodeRecordHeader(cid, bytes, checksum), ...frame)
      packed.push({ cid, start: at + RECORD_HEADER_BYTES, bytes, checksum })
      at += RECORD_HEADER_BYTES + bytes
    }
    this.#write(parts)
    return packed
  }

  [Symbol.dispose](): void {
    closeSync(this.#file)
  }

  #write(parts: readonly Uint8Array[]): void {
    const bytes = lengthOf(parts)
    try {
      writeFully(this.#file, parts, this.#end)
    } catch (cause) {
      throw storageErrorOf(cause, this.path, bytes)
    }
    this.#end += bytes
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
}

/** A disk that fills up takes a part before it refuses the rest. */
function writeFully(file: number, parts: readonly Uint8Array[], position: number): void {
  for (let rest = parts; rest.length > 0;) {
    const written = writevSync(file, rest, position)
    position += written
    rest = withoutFirst(rest, written)
  }
}

function withoutFirst(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let left = bytes
  let whole = 0
  while (whole < parts.length && left >= parts[whole]!.byteLength) left -= parts[whole++]!.byteLength
  return left === 0 ? parts.slice(whole) : [parts[whole]!.subarray(left), ...parts.slice(whole + 1)]
}
