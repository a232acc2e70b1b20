import { ByteReader, ByteWriter, type Checkpoint, decodeCheckpoint, encodeCheckpoint, PAGE_BYTES_MAX } from '@cairn/ledger'
import { encodeOffer, readOffer, type SnapshotOffer } from './offer.ts'
import { PAGES_ASKED_MAX } from './limits.ts'

/** What replicas say to each other about states that are too far ahead to be reached by blocks. */
export type SnapshotMessage =
  /** Where somebody stands who does not get on: its epoch, what it has applied, and its newest certified checkpoint. */
  | { readonly type: 'ask'; readonly epoch: number; readonly applied: number; readonly certified: number }
  /** The blocks that it needs are gone here; this state is. */
  | { readonly type: 'offer'; readonly offer: SnapshotOffer }
  /** A checkpoint that it has applied, and does not know to be certified. */
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint }
  /** Pages of the state that was offered at `height`, by their hashes. */
  | { readonly type: 'pages-wanted'; readonly request: number; readonly height: number; readonly hashes: readonly Uint8Array[] }
  /** As many of them as fit, in that order; none if they are gone. */
  | { readonly type: 'pages'; readonly request: number; readonly pages: readonly Uint8Array[] }

const TYPES = ['ask', 'offer', 'checkpoint', 'pages-wanted', 'pages'] as const satisfies readonly SnapshotMessage['type'][]
const HASH_BYTES = 32

/** type u8 | fields. */
export function encodeSnapshotMessage(message: SnapshotMessage): Uint8Array {
  const writer = new ByteWriter(256).u8(TYPES.indexOf(message.type))
  switch (message.type) {
    case 'ask':
      return writer.u64(message.epoch).u64(message.applied).u64(message.certified).finish()
    case 'offer':
      return writer.bytes(encodeOffer(message.offer)).finish()
    case 'checkpoint': {
      const bytes = encodeCheckpoint(message.checkpoint)
      return writer.u32(bytes.byteLength).bytes(bytes).finish()
    }
    case 'pages-wanted':
      writer.u32(message.request).u64(message.height).u16(message.hashes.length)
      for (const hash of message.hashes) writer.bytes(hash)
      return writer.finish()
    case 'pages':
      writer.u32(message.request).u16(message.pages.length)
      for (const page of message.pages) writer.u32(page.byteLength).bytes(page)
      return writer.finish()
    default:
      return message satisfies never
  }
}

/** @throws {LedgerError} `MALFORMED`, `BAD_COMMITTEE` for what {@link encodeSnapshotMessage} would not write */
export function decodeSnapshotMessage(bytes: Uint8Array): SnapshotMessage {
  const reader = new ByteReader(bytes, 'snapshot message')
  const message = readMessage(reader)
  reader.end()
  return message
}

function readMessage(reader: ByteReader): SnapshotMessage {
  const type = TYPES[reader.u8()]
  switch (type) {
    case 'ask':
      return { type, epoch: reader.u64(), applied: reader.u64(), certified: reader.u64() }
    case 'offer':
      return { type, offer: readOffer(reader) }
    case 'checkpoint':
      return { type, checkpoint: decodeCheckpoint(reader.bytes(reader.u32())) }
    case 'pages-wanted':
      return { type, request: reader.u32(), height: reader.u64(), hashes: readUpTo(reader, () => reader.bytes(HASH_BYTES)) }
    case 'pages':
      return { type, request: reader.u32(), pages: readUpTo(reader, () => readPage(reader)) }
    case undefined:
      throw reader.fault('an unknown type')
    default:
      return type satisfies never
  }
}

function readPage(reader: ByteReader): Uint8Array {
  const length = reader.u32()
  if (length > PAGE_BYTES_MAX) throw reader.fault(`a page of ${length} bytes`)
  return reader.bytes(length)
}

function readUpTo(reader: ByteReader, read: () => Uint8Array): readonly Uint8Array[] {
  const count = reader.u16()
  if (count > PAGES_ASKED_MAX) throw reader.fault(`${count} pages`)
  return Array.from({ length: count }, read)
}
