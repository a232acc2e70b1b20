import { ByteReader, ByteWriter } from '../bytes.ts'
import type { BatchItem, Message, Want } from '../engine/messages.ts'
import { readCommittee, writeCommittee } from '../epoch-chain/committee-delta.ts'
import { LedgerError } from '../errors.ts'
import { PAYLOAD_BYTES_MAX } from '../payload.ts'
import {
  readCertificate,
  readEvidence,
  readList,
  readPayload,
  readReady,
  readSignedHeader,
  readVote,
  writeCertificate,
  writeEvidence,
  writeList,
  writePayload,
  writeReady,
  writeSignedHeader,
  writeVote,
} from './fields.ts'

/** A payload, or some dozens of headers with their certificates and committees. */
export const MESSAGE_BYTES_MAX = PAYLOAD_BYTES_MAX + 1024 * 1024

const TYPES = [
  'proposal',
  'payload',
  'vote',
  'certificate',
  'fetch',
  'batch',
  'operations',
  'ready',
  'committee',
  'evidence',
] as const satisfies readonly Message['type'][]
const WANTS = ['sync', 'block', 'payload', 'committee', 'slot'] as const satisfies readonly Want['type'][]

/** type u8 | fields. */
export function encodeMessage(message: Message): Uint8Array {
  const writer = new ByteWriter(256).u8(TYPES.indexOf(message.type))
  writeFields(writer, message)
  return writer.finish()
}

function writeFields(writer: ByteWriter, message: Message): void {
  switch (message.type) {
    case 'proposal':
      return writeSignedHeader(writer, message.proposal)
    case 'payload':
      return writePayload(writer, message.payload)
    case 'vote':
      return writeVote(writer, message.vote)
    case 'certificate':
      return writeCertificate(writer, message.certificate)
    case 'fetch':
      return writeWant(writer, message.want)
    case 'batch':
      writer.u64(message.height)
      return writeList(writer, message.items, writeItem)
    case 'operations':
      return writePayload(writer, message.operations)
    case 'ready':
      return writeReady(writer, message.ready)
    case 'committee':
      writeCommittee(writer, message.committee)
      return writeList(writer, message.readies, writeReady)
    case 'evidence':
      return writeEvidence(writer, message.evidence)
    default:
      message satisfies never
  }
}

/**
 * Reads a message of a peer: its form, and nothing of its truth.
 *
 * @throws {LedgerError} `TOO_LARGE`, `MALFORMED`, `BAD_COMMITTEE` for bytes that {@link encodeMessage} would not write
 */
export function decodeMessage(bytes: Uint8Array): Message {
  if (bytes.byteLength > MESSAGE_BYTES_MAX) {
    throw new LedgerError({ code: 'TOO_LARGE', what: 'message', value: bytes.byteLength, max: MESSAGE_BYTES_MAX })
  }
  const reader = new ByteReader(bytes, 'message')
  const message = readMessage(reader)
  reader.end()
  return message
}

function readMessage(reader: ByteReader): Message {
  const type = TYPES[reader.u8()]
  switch (type) {
    case 'proposal':
      return { type, proposal: readSignedHeader(reader) }
    case 'payload':
      return { type, payload: readPayload(reader) }
    case 'vote':
      return { type, vote: readVote(reader) }
    case 'certificate':
      return { type, certificate: readCertificate(reader) }
    case 'fetch':
      return { type, want: readWant(reader) }
    case 'batch':
      return { type, height: reader.u64(), items: readList(reader, readItem) }
    case 'operations':
      return { type, operations: readPayload(reader) }
    case 'ready':
      return { type, ready: readReady(reader) }
    case 'committee':
      return { type, committee: readCommittee(reader), readies: readList(reader, readReady) }
    case 'evidence':
      return { type, evidence: readEvidence(reader) }
    case undefined:
      throw reader.fault('an unknown type')
    default:
      return type satisfies never
  }
}

function writeWant(writer: ByteWriter, want: Want): void {
  writer.u8(WANTS.indexOf(want.type))
  switch (want.type) {
    case 'sync':
      writer.u64(want.height).u64(want.slot)
      return
    case 'block':
      writer.digest(want.digest)
      return
    case 'payload':
      writer.digest(want.root)
      return
    case 'committee':
      writer.digest(want.hash)
      return
    case 'slot':
      writer.u64(want.slot)
      return
    default:
      want satisfies never
  }
}

function readWant(reader: ByteReader): Want {
  const type = WANTS[reader.u8()]
  switch (type) {
    case 'sync':
      return { type, height: reader.u64(), slot: reader.u64() }
    case 'block':
      return { type, digest: reader.digest() }
    case 'payload':
      return { type, root: reader.digest() }
    case 'committee':
      return { type, hash: reader.digest() }
    case 'slot':
      return { type, slot: reader.u64() }
    case undefined:
      throw reader.fault('an unknown want')
    default:
      return type satisfies never
  }
}

/** flags u8, then what they say is there. */
export function writeItem(writer: ByteWriter, { proposal, certificate, committee }: BatchItem): void {
  writer.u8((proposal === undefined ? 0 : 1) | (certificate === undefined ? 0 : 2) | (committee === undefined ? 0 : 4))
  if (proposal !== undefined) writeSignedHeader(writer, proposal)
  if (certificate !== undefined) writeCertificate(writer, certificate)
  if (committee !== undefined) writeCommittee(writer, committee)
}

export function readItem(reader: ByteReader): BatchItem {
  const flags = reader.u8()
  if (flags > 7) throw reader.fault(`flags ${flags}`)
  return {
    ...((flags & 1) !== 0 && { proposal: readSignedHeader(reader) }),
    ...((flags & 2) !== 0 && { certificate: readCertificate(reader) }),
    ...((flags & 4) !== 0 && { committee: readCommittee(reader) }),
  }
}
