import { crc32c } from './crc32c.ts'

/** What a log keeps: `type` says to its reader what `body` is. */
export interface LogEntry {
  /** u8. */
  readonly type: number
  readonly body: Uint8Array
}

/** A record of the log: entries that became durable together. */
export interface LogRecord {
  readonly seq: number
  readonly entries: readonly LogEntry[]
  /** Checksum of the record, which the next one repeats. */
  readonly crc: number
  /** Bytes from its first to the next record's. */
  readonly bytes: number
}

/** Where in the log a record must stand. */
export interface RecordPlace {
  /** What checksums of this log begin with: a number that nobody outside knows, so that bytes of a client cannot pass for a record. */
  readonly salt: number
  readonly seq: number
  /** Checksum of the record before. */
  readonly prevCrc: number
}

/** length u32 | crc32c u32 | type u8 | seq u64 | crc of the record before u32, big-endian. */
export const RECORD_HEADER_BYTES = 4 + 4 + 1 + 8 + 4
/** type u8 | length u32. */
export const ENTRY_HEADER_BYTES = 5
/** The one type of record: a group of entries. */
const TYPE_GROUP = 1
const CRC_AT = 4

/**
 * A record in its bytes. All that becomes durable together is one record: then only the last record of a log can be a torn one, for it is
 * written after the one before is on disk; and where a good record follows a bad one, the bad one was good once.
 */
export function encodeRecord(
  { salt, seq, prevCrc }: RecordPlace,
  entries: readonly LogEntry[],
): { readonly bytes: Uint8Array; readonly crc: number } {
  const bodyBytes = entries.reduce((sum, { body }) => sum + ENTRY_HEADER_BYTES + body.byteLength, 0)
  const bytes = Buffer.allocUnsafe(RECORD_HEADER_BYTES + bodyBytes)
  bytes.writeUInt32BE(bodyBytes, 0)
  bytes.writeUInt8(TYPE_GROUP, 8)
  bytes.writeUInt32BE(Math.floor(seq / 2 ** 32), 9)
  bytes.writeUInt32BE(seq % 2 ** 32, 13)
  bytes.writeUInt32BE(prevCrc, 17)
  let at = RECORD_HEADER_BYTES
  for (const { type, body } of entries) {
    bytes.writeUInt8(type, at)
    bytes.writeUInt32BE(body.byteLength, at + 1)
    bytes.set(body, at + ENTRY_HEADER_BYTES)
    at += ENTRY_HEADER_BYTES + body.byteLength
  }
  const crc = checksum(salt, bytes)
  bytes.writeUInt32BE(crc, CRC_AT)
  return { bytes, crc }
}

/** The record at `at`, or `undefined` if there is none that belongs to this log. Where it must stand is the caller's to compare. */
export function decodeRecord(salt: number, bytes: Buffer, at: number): (LogRecord & { readonly prevCrc: number }) | undefined {
  if (at + RECORD_HEADER_BYTES > bytes.byteLength) return undefined
  const bodyBytes = bytes.readUInt32BE(at)
  const end = at + RECORD_HEADER_BYTES + bodyBytes
  if (bytes.readUInt8(at + 8) !== TYPE_GROUP || end > bytes.byteLength) return undefined
  const seq = bytes.readUInt32BE(at + 9) * 2 ** 32 + bytes.readUInt32BE(at + 13)
  const crc = bytes.readUInt32BE(at + CRC_AT)
  if (!Number.isSafeInteger(seq) || crc !== checksum(salt, bytes.subarray(at, end))) return undefined
  const entries = readEntries(bytes.subarray(at + RECORD_HEADER_BYTES, end))
  return entries && { seq, entries, crc, bytes: end - at, prevCrc: bytes.readUInt32BE(at + 17) }
}

function readEntries(body: Buffer): readonly LogEntry[] | undefined {
  const entries: LogEntry[] = []
  for (let at = 0; at < body.byteLength;) {
    if (at + ENTRY_HEADER_BYTES > body.byteLength) return undefined
    const end = at + ENTRY_HEADER_BYTES + body.readUInt32BE(at + 1)
    if (end > body.byteLength) return undefined
    // Its own memory: an entry that is kept must not keep a whole segment.
    entries.push({ type: body.readUInt8(at), body: new Uint8Array(body.subarray(at + ENTRY_HEADER_BYTES, end)) })
    at = end
  }
  return entries
}

/** Over everything but itself. */
function checksum(salt: number, record: Uint8Array): number {
  return crc32c(record.subarray(CRC_AT + 4), crc32c(record.subarray(0, CRC_AT), salt))
}
