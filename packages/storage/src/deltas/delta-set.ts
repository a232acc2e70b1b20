import { type FileHandle, open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { keyOfBytes } from '../block-key.ts'
import { StorageError } from '../errors.ts'
import { storageErrorOf } from '../io-error.ts'
import {
  decodeDeltaSetHeader,
  decodeDeltaSetTable,
  decodeDeltaSetTrailer,
  DELTA_SET_HEADER_BYTES,
  DELTA_SET_VERSION,
  type DeltaRow,
  type DeltaSetDamage,
  type DeltaSetName,
  TRAILER_BYTES,
} from './delta-set-codec.ts'

/** A finished file of deltas, open for reading. In memory are its rows, some 150 bytes a delta. */
export class DeltaSet implements DeltaSetName {
  readonly path: string
  readonly from: DeltaSetName['from']
  readonly to: DeltaSetName['to']
  readonly fileBytes: number
  readonly #file: FileHandle
  readonly #rows: ReadonlyMap<string, DeltaRow>
  #sizes: ReadonlyMap<number, number> | undefined

  private constructor(path: string, { from, to }: DeltaSetName, file: FileHandle, fileBytes: number, rows: readonly DeltaRow[]) {
    this.path = path
    this.from = from
    this.to = to
    this.fileBytes = fileBytes
    this.#file = file
    this.#rows = new Map(rows.map((row) => [keyOfBytes(row.digest), row]))
  }

  /** @throws {StorageError} `CORRUPT`, `UNSUPPORTED_VERSION`, `IO_FAILED` */
  static async open(path: string): Promise<DeltaSet> {
    let file: FileHandle | undefined
    try {
      file = await open(path, 'r')
      const { size } = await file.stat()
      const name = checked(path, decodeDeltaSetHeader(await read(file, 0, Math.min(size, DELTA_SET_HEADER_BYTES))))
      const trailer = await read(file, Math.max(0, size - TRAILER_BYTES), Math.min(size, TRAILER_BYTES))
      const table = checked(path, decodeDeltaSetTrailer(trailer, size))
      const rows = checked(path, decodeDeltaSetTable(await read(file, table.offset, table.bytes), table.checksum, table.offset))
      return new DeltaSet(path, name, file, size, rows)
    } catch (cause) {
      await file?.close()
      throw storageErrorOf(cause, path)
    }
  }

  /** Frame bytes by chunk index of {@link to}. */
  get sizes(): ReadonlyMap<number, number> {
    return (this.#sizes ??= new Map([...this.#rows.values()].map(({ chunk, bytes }) => [chunk, bytes])))
  }

  /**
   * The delta of the chunk with SHA-256 `digest`; `undefined` if there is none.
   *
   * @throws {StorageError} `CORRUPT`, `IO_FAILED`
   */
  async read(digest: Uint8Array): Promise<Uint8Array | undefined> {
    const row = this.#rows.get(keyOfBytes(digest))
    if (row === undefined) return undefined
    let frame: Uint8Array
    try {
      frame = await read(this.#file, row.offset, row.bytes)
    } catch (cause) {
      throw storageErrorOf(cause, this.path)
    }
    if (crc32(frame) === row.checksum) return frame
    throw new StorageError({ code: 'CORRUPT', path: this.path, reason: `the checksum of the delta of chunk ${row.chunk} differs` })
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

async function read(file: FileHandle, position: number, bytes: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(bytes)
  for (let filled = 0; filled < bytes;) {
    const { bytesRead } = await file.read(buffer, filled, bytes - filled, position + filled)
    if (bytesRead === 0) return buffer.subarray(0, filled)
    filled += bytesRead
  }
  return buffer
}

function checked<T extends object>(path: string, decoded: T | DeltaSetDamage): T {
  if ('reason' in decoded) throw new StorageError({ code: 'CORRUPT', path, reason: decoded.reason })
  if ('version' in decoded)
    throw new StorageError({ code: 'UNSUPPORTED_VERSION', path, found: decoded.version, supported: DELTA_SET_VERSION })
  return decoded
}
