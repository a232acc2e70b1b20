import { crc32 } from 'node:zlib'
import { CHUNKS_MAX, CID_BYTES, type CID, decodeCid, STAGES, type StageClass } from '@cairn/protocol'
import { StorageError } from '../errors.ts'

const JOURNAL_VERSION = 1
/** Body of one record. The writer splits larger ones; a larger length can only be damage. */
const RECORD_BODY_BYTES_MAX = 64 * 1024

const MAGIC = Buffer.from('CAIRNJNL')
const BOOT_ID_BYTES = 16
const CRC_BYTES = 4
const HEADER_BYTES = MAGIC.byteLength + 1 + CID_BYTES + BOOT_ID_BYTES + 4 + CRC_BYTES
/** Length of the body (u32) and type (u8). */
const PREFIX_BYTES = 5
const RUN_BYTES = 8
const FILE_BYTES = 12
/** How many runs or files fit one record. */
export const RECORD_ITEMS_MAX = Math.floor(RECORD_BODY_BYTES_MAX / FILE_BYTES)

export interface JournalHeader {
  readonly snapshot: CID
  /** 32 hex digits: the run of the machine under which the records were written. `undefined`: unknown, so never the same. */
  readonly bootId: string | undefined
  /** Distinct chunks of the snapshot; bounds every chunk index in a record. */
  readonly chunksCount: number
}

/** Chunk indexes `first` to `first + count - 1`. */
export interface Run {
  readonly first: number
  readonly count: number
}

/** The file that was made for an entry of the index, known again by its inode number. */
export interface PlacedFile {
  readonly entry: number
  readonly inode: bigint
}

export type JournalRecord =
  /** These chunks were written to all their places. */
  | { readonly type: 'placed'; readonly runs: readonly Run[] }
  /** These chunks turned out to be damaged: what an earlier record says of them is void. */
  | { readonly type: 'cleared'; readonly runs: readonly Run[] }
  | { readonly type: 'files'; readonly files: readonly PlacedFile[] }
  /** What the first `coveredRecords` records say has reached the disk, content and names. */
  | { readonly type: 'barrier'; readonly coveredRecords: number }
  /** A barrier failed: what is not covered by an earlier one may never have reached the disk. */
  | { readonly type: 'doubt' }
  | { readonly type: 'stage'; readonly stage: StageClass }
  /** Everything is in place with its final permissions. */
  | { readonly type: 'complete' }

const TYPES = ['placed', 'cleared', 'files', 'barrier', 'doubt', 'stage', 'complete'] as const satisfies readonly JournalRecord['type'][]

/** Bytes to append, and the checksum that the next append starts from. */
export interface EncodedRecords {
  readonly bytes: Uint8Array
  readonly checksum: number
}

export function encodeHeader(header: JournalHeader): EncodedRecords {
  const bytes = Buffer.alloc(HEADER_BYTES)
  let at = MAGIC.copy(bytes)
  at = bytes.writeUInt8(JOURNAL_VERSION, at)
  bytes.set(header.snapshot.bytes, at)
  at += CID_BYTES
  bytes.set(Buffer.from(header.bootId ?? '', 'hex').subarray(0, BOOT_ID_BYTES), at)
  at = bytes.writeUInt32BE(header.chunksCount, at + BOOT_ID_BYTES)
  const checksum = crc32(bytes.subarray(0, at))
  bytes.writeUInt32BE(checksum, at)
  return { bytes, checksum }
}

/**
 * Encodes records that follow whatever has the checksum `previous`.
 *
 * Each checksum runs over all before it, so a record is good only after the very bytes it was written after: neither an old record
 * that a torn write left behind nor one of another journal can pass.
 */
export function encodeRecords(records: readonly JournalRecord[], previous: number): EncodedRecords {
  let checksum = previous
  const parts: Buffer[] = []
  for (const record of records) {
    const body = encodeBody(record)
    const bytes = Buffer.alloc(PREFIX_BYTES + body.byteLength + CRC_BYTES)
    bytes.writeUInt32BE(body.byteLength, 0)
    bytes.writeUInt8(TYPES.indexOf(record.type) + 1, 4)
    bytes.set(body, PREFIX_BYTES)
    checksum = crc32(bytes.subarray(0, PREFIX_BYTES + body.byteLength), checksum)
    bytes.writeUInt32BE(checksum, PREFIX_BYTES + body.byteLength)
    parts.push(bytes)
  }
  return { bytes: Buffer.concat(parts), checksum }
}

export interface DecodedJournal {
  readonly header: JournalHeader
  /** The records up to the first byte that is not as it was written. */
  readonly records: readonly JournalRecord[]
  /** Bytes after the last good record: a torn append, or damage. */
  readonly droppedBytes: number
}

/**
 * Reads a journal as far as it can be trusted. A cut gives a prefix of the records; so does a changed byte.
 *
 * @throws {StorageError} `UNSUPPORTED_VERSION`; `CORRUPT` if the header is not whole (it is written in one step, so that is damage)
 */
export function decodeJournal(bytes: Uint8Array, path: string): DecodedJournal {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const header = decodeHeader(view, path)
  const records: JournalRecord[] = []
  let checksum = view.readUInt32BE(HEADER_BYTES - CRC_BYTES)
  let at = HEADER_BYTES
  while (at + PREFIX_BYTES + CRC_BYTES <= view.byteLength) {
    const bodyBytes = view.readUInt32BE(at)
    const end = at + PREFIX_BYTES + bodyBytes
    if (bodyBytes > RECORD_BODY_BYTES_MAX || end + CRC_BYTES > view.byteLength) break
    checksum = crc32(view.subarray(at, end), checksum)
    if (checksum !== view.readUInt32BE(end)) break
    const record = decodeBody(view.readUInt8(at + 4), view.subarray(at + PREFIX_BYTES, end), header.chunksCount)
    if (record === undefined) break
    records.push(record)
    at = end + CRC_BYTES
  }
  return { header, records, droppedBytes: view.byteLength - at }
}

function decodeHeader(view: Buffer, path: string): JournalHeader {
  const corrupt = (reason: string): StorageError => new StorageError({ code: 'CORRUPT', path, reason })
  if (view.byteLength <= MAGIC.byteLength || !view.subarray(0, MAGIC.byteLength).equals(MAGIC)) throw corrupt('not a journal')
  let at = MAGIC.byteLength
  const found = view.readUInt8(at++)
  if (found !== JOURNAL_VERSION) throw new StorageError({ code: 'UNSUPPORTED_VERSION', path, found, supported: JOURNAL_VERSION })
  if (view.byteLength < HEADER_BYTES) throw corrupt('its header is cut off')
  if (crc32(view.subarray(0, HEADER_BYTES - CRC_BYTES)) !== view.readUInt32BE(HEADER_BYTES - CRC_BYTES)) {
    throw corrupt('the checksum of its header differs')
  }
  // A copy: the identifier would otherwise keep the whole journal in memory.
  const snapshot = decodeCid(new Uint8Array(view.subarray(at, at + CID_BYTES)))
  at += CID_BYTES
  const bootId = view.toString('hex', at, at + BOOT_ID_BYTES)
  const chunksCount = view.readUInt32BE(at + BOOT_ID_BYTES)
  if (chunksCount > CHUNKS_MAX) throw corrupt(`it lists ${chunksCount} chunks`)
  return { snapshot, bootId: /^0+$/.test(bootId) ? undefined : bootId, chunksCount }
}

function encodeBody(record: JournalRecord): Buffer {
  switch (record.type) {
    case 'placed':
    case 'cleared':
      return encodeItems(record.runs, RUN_BYTES, (body, { first, count }, at) => body.writeUInt32BE(count, body.writeUInt32BE(first, at)))
    case 'files':
      return encodeItems(record.files, FILE_BYTES, (body, { entry, inode }, at) =>
        body.writeBigUInt64BE(inode, body.writeUInt32BE(entry, at)),
      )
    case 'barrier': {
      const body = Buffer.alloc(4)
      body.writeUInt32BE(record.coveredRecords)
      return body
    }
    case 'stage':
      return Buffer.of(STAGES.indexOf(record.stage))
    case 'doubt':
    case 'complete':
      return Buffer.alloc(0)
    default:
      return record satisfies never
  }
}

function encodeItems<T>(items: readonly T[], itemBytes: number, write: (body: Buffer, item: T, at: number) => void): Buffer {
  const body = Buffer.alloc(items.length * itemBytes)
  for (const [i, item] of items.entries()) write(body, item, i * itemBytes)
  return body
}

/** `undefined` for what no writer of this version writes. */
function decodeBody(typeCode: number, body: Buffer, chunksCount: number): JournalRecord | undefined {
  const type = TYPES[typeCode - 1]
  switch (type) {
    case 'placed':
    case 'cleared': {
      const runs = decodeItems(body, RUN_BYTES, (at) => ({ first: body.readUInt32BE(at), count: body.readUInt32BE(at + 4) }))
      return runs?.every(({ first, count }) => count > 0 && first + count <= chunksCount) ? { type, runs } : undefined
    }
    case 'files': {
      const files = decodeItems(body, FILE_BYTES, (at) => ({ entry: body.readUInt32BE(at), inode: body.readBigUInt64BE(at + 4) }))
      return files === undefined ? undefined : { type, files }
    }
    case 'barrier':
      return body.byteLength === 4 ? { type, coveredRecords: body.readUInt32BE() } : undefined
    case 'stage': {
      const stage = STAGES[body[0] ?? STAGES.length]
      return stage === undefined || body.byteLength !== 1 ? undefined : { type, stage }
    }
    case 'doubt':
    case 'complete':
      return body.byteLength === 0 ? { type } : undefined
    case undefined:
      return undefined
    default:
      return type satisfies never
  }
}

function decodeItems<T>(body: Buffer, itemBytes: number, read: (at: number) => T): readonly T[] | undefined {
  if (body.byteLength === 0 || body.byteLength % itemBytes !== 0) return undefined
  return Array.from({ length: body.byteLength / itemBytes }, (_, i) => read(i * itemBytes))
}
