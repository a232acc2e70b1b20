import { crc32c } from './crc32c.ts'
import { decodeRecord, type LogRecord, RECORD_HEADER_BYTES, type RecordPlace } from './record.ts'

/** The name and version of the format; see `replica-log.md` of the format pages. */
const MAGIC = Buffer.from('cairnwl\x01', 'latin1')
/** magic 8 | salt u32 | first seq u64 | crc of the record before u32 | crc32c of all that u32. */
export const SEGMENT_HEADER_BYTES = 28

export function encodeSegmentHeader({ salt, seq, prevCrc }: RecordPlace): Uint8Array {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
  bytes.set(MAGIC)
  bytes.writeUInt32BE(salt, 8)
  bytes.writeUInt32BE(Math.floor(seq / 2 ** 32), 12)
  bytes.writeUInt32BE(seq % 2 ** 32, 16)
  bytes.writeUInt32BE(prevCrc, 20)
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 24)), 24)
  return bytes
}

/** Where the first record of a segment stands, or `undefined` if these bytes do not begin a segment. */
export function decodeSegmentHeader(bytes: Buffer): RecordPlace | undefined {
  if (bytes.byteLength < SEGMENT_HEADER_BYTES || !bytes.subarray(0, MAGIC.byteLength).equals(MAGIC)) return undefined
  if (bytes.readUInt32BE(24) !== crc32c(bytes.subarray(0, 24))) return undefined
  const seq = bytes.readUInt32BE(12) * 2 ** 32 + bytes.readUInt32BE(16)
  return { salt: bytes.readUInt32BE(8), seq, prevCrc: bytes.readUInt32BE(20) }
}

/** What a segment holds. */
export interface SegmentScan {
  readonly records: readonly LogRecord[]
  /** Where the next record would stand, in the log and in the segment's bytes. */
  readonly next: RecordPlace
  readonly end: number
  /** Where a record of this log begins that should not be there: what comes before it was good once. */
  readonly strayAt: number | undefined
}

/** Reads the records of a segment from `place` on, up to the first bytes that are not the record which must follow. */
export function scanSegment(bytes: Buffer, place: RecordPlace): SegmentScan {
  const records: LogRecord[] = []
  let next = place
  let at = SEGMENT_HEADER_BYTES
  for (;;) {
    const record = decodeRecord(place.salt, bytes, at)
    if (record === undefined || record.seq !== next.seq || record.prevCrc !== next.prevCrc) break
    records.push(record)
    at += record.bytes
    next = { salt: place.salt, seq: record.seq + 1, prevCrc: record.crc }
  }
  return { records, next, end: at, strayAt: findRecord(bytes, at, next) }
}

/**
 * The first place from `from` on where a record of the log begins that is not older than `next`. Any place, for the length that would lead
 * from one record to the next may be what was damaged.
 */
function findRecord(bytes: Buffer, from: number, { salt, seq }: RecordPlace): number | undefined {
  for (let at = from; at + RECORD_HEADER_BYTES <= bytes.byteLength; at++) {
    // Most places hold no number that a record of this log could have; a checksum is computed for the others only.
    const found = bytes.readUInt32BE(at + 9) * 2 ** 32 + bytes.readUInt32BE(at + 13)
    if (found < seq || found > seq + bytes.byteLength) continue
    if (decodeRecord(salt, bytes, at) !== undefined) return at
  }
  return undefined
}
