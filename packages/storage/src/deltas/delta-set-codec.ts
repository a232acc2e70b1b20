import { crc32 } from 'node:zlib'
import { CHUNKS_MAX, type CID, cidDigest, FRAME_BYTES_MAX, pageCidFromDigest, SHA256_BYTES } from '@cairn/protocol'

export const DELTA_SET_VERSION = 2
const MAGIC = Buffer.from('CAIRNDLT')
export const DELTA_SET_HEADER_BYTES = MAGIC.byteLength + 1 + 2 * SHA256_BYTES
/** Chunk index, offset, length, CRC-32, digest. */
const ROW_BYTES = 4 + 8 + 4 + 4 + SHA256_BYTES
/** Offset and rows of the table, its CRC-32, the magic number once more. */
export const TRAILER_BYTES = 8 + 4 + 4 + MAGIC.byteLength

/** The deltas of one file lead holders of `from` to `to`. */
export interface DeltaSetName {
  readonly from: CID
  readonly to: CID
}

/** One delta in a file. */
export interface DeltaRow {
  /** Index in the snapshot that the deltas lead to. */
  readonly chunk: number
  /** SHA-256 of the chunk. */
  readonly digest: Uint8Array
  readonly offset: number
  readonly bytes: number
  readonly checksum: number
}

/** Why a file is none of ours, or not whole. */
export type DeltaSetDamage = { readonly reason: string } | { readonly version: number }

export function encodeDeltaSetHeader({ from, to }: DeltaSetName): Uint8Array {
  return Buffer.concat([MAGIC, Uint8Array.of(DELTA_SET_VERSION), cidDigest(from), cidDigest(to)])
}

/** What stands at the start of a file; `bytes` are its first {@link DELTA_SET_HEADER_BYTES}. */
export function decodeDeltaSetHeader(bytes: Uint8Array): DeltaSetName | DeltaSetDamage {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.byteLength < DELTA_SET_HEADER_BYTES || !buffer.subarray(0, MAGIC.byteLength).equals(MAGIC))
    return { reason: 'another kind of file' }
  const version = buffer[MAGIC.byteLength]!
  if (version !== DELTA_SET_VERSION) return { version }
  const at = MAGIC.byteLength + 1
  return {
    from: pageCidFromDigest(new Uint8Array(buffer.subarray(at, at + SHA256_BYTES))),
    to: pageCidFromDigest(new Uint8Array(buffer.subarray(at + SHA256_BYTES, DELTA_SET_HEADER_BYTES))),
  }
}

/** What follows `count` deltas. */
export function deltaSetEndBytes(count: number): number {
  return count * ROW_BYTES + TRAILER_BYTES
}

/** The table of `rows`, which comes at `offset`, and what ends the file. */
export function encodeDeltaSetEnd(rows: readonly DeltaRow[], offset: number): Uint8Array {
  const bytes = Buffer.alloc(deltaSetEndBytes(rows.length))
  let at = 0
  for (const row of rows.toSorted((a, b) => a.chunk - b.chunk)) {
    bytes.writeUInt32BE(row.chunk, at)
    bytes.writeBigUInt64BE(BigInt(row.offset), at + 4)
    bytes.writeUInt32BE(row.bytes, at + 12)
    bytes.writeUInt32BE(row.checksum, at + 16)
    bytes.set(row.digest, at + 20)
    at += ROW_BYTES
  }
  bytes.writeBigUInt64BE(BigInt(offset), at)
  bytes.writeUInt32BE(rows.length, at + 8)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, at)), at + 12)
  MAGIC.copy(bytes, at + 16)
  return bytes
}

/** Where the table of a file of `fileBytes` bytes lies; `trailer` are its last {@link TRAILER_BYTES}. */
export function decodeDeltaSetTrailer(
  trailer: Uint8Array,
  fileBytes: number,
): { readonly offset: number; readonly bytes: number; readonly checksum: number } | DeltaSetDamage {
  const buffer = Buffer.from(trailer.buffer, trailer.byteOffset, trailer.byteLength)
  if (buffer.byteLength !== TRAILER_BYTES || !buffer.subarray(16).equals(MAGIC)) return { reason: 'cut off' }
  const offset = Number(buffer.readBigUInt64BE(0))
  const count = buffer.readUInt32BE(8)
  if (count > CHUNKS_MAX) return { reason: `${count} deltas` }
  const bytes = count * ROW_BYTES
  if (offset + bytes + TRAILER_BYTES !== fileBytes) return { reason: 'its table is not where it says' }
  return { offset, bytes, checksum: buffer.readUInt32BE(12) }
}

/** The rows of a table, which ends at `tableOffset` of the file. */
export function decodeDeltaSetTable(table: Uint8Array, checksum: number, tableOffset: number): readonly DeltaRow[] | DeltaSetDamage {
  if (crc32(table) !== checksum) return { reason: 'the checksum of its table differs' }
  const buffer = Buffer.from(table.buffer, table.byteOffset, table.byteLength)
  const rows: DeltaRow[] = []
  for (let at = 0; at < buffer.byteLength; at += ROW_BYTES) {
    const row: DeltaRow = {
      chunk: buffer.readUInt32BE(at),
      offset: Number(buffer.readBigUInt64BE(at + 4)),
      bytes: buffer.readUInt32BE(at + 12),
      checksum: buffer.readUInt32BE(at + 16),
      digest: new Uint8Array(buffer.subarray(at + 20, at + ROW_BYTES)),
    }
    const isInside =
      row.offset >= DELTA_SET_HEADER_BYTES && row.bytes > 0 && row.bytes <= FRAME_BYTES_MAX && row.offset + row.bytes <= tableOffset
    if (!isInside) return { reason: `delta of chunk ${row.chunk} lies outside` }
    if (row.chunk <= (rows.at(-1)?.chunk ?? -1)) return { reason: 'its table is not ascending' }
    rows.push(row)
  }
  return rows
}
