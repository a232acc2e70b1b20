import { ByteReader, ByteWriter } from '../bytes.ts'
import type { LogRecord } from '../engine/messages.ts'
import { readCommittee, writeCommittee } from '../epoch-chain/committee-delta.ts'
import {
  readCertificate,
  readEpochStart,
  readPayload,
  readReady,
  readSignedHeader,
  readVoteKind,
  writeCertificate,
  writeEpochStart,
  writePayload,
  writeReady,
  writeSignedHeader,
  writeVoteKind,
} from './fields.ts'

/** By their number in the log, from 1. */
const TYPES = [
  'vote',
  'proposed',
  'block',
  'payload',
  'certificate',
  'committee',
  'epoch',
  'ready',
] as const satisfies readonly LogRecord['type'][]

/** A record as a log keeps it. */
export function encodeLogRecord(record: LogRecord): { readonly type: number; readonly body: Uint8Array } {
  const writer = new ByteWriter(256)
  writeFields(writer, record)
  return { type: TYPES.indexOf(record.type) + 1, body: writer.finish() }
}

function writeFields(writer: ByteWriter, record: LogRecord): void {
  switch (record.type) {
    case 'vote':
      writer.u64(record.epoch).u64(record.slot)
      writeVoteKind(writer, record.kind)
      writer.digest(record.digest)
      return
    case 'proposed':
      writer.u64(record.epoch).u64(record.slot).digest(record.digest)
      return
    case 'block':
      return writeSignedHeader(writer, record.proposal)
    case 'payload':
      return writePayload(writer, record.payload)
    case 'certificate':
      return writeCertificate(writer, record.certificate)
    case 'committee':
      return writeCommittee(writer, record.committee)
    case 'epoch':
      return writeEpochStart(writer, record.start)
    case 'ready':
      return writeReady(writer, record.ready)
    default:
      record satisfies never
  }
}

/** @throws {LedgerError} `MALFORMED`, `TOO_LARGE`, `BAD_COMMITTEE` for what {@link encodeLogRecord} did not write */
export function decodeLogRecord(number: number, body: Uint8Array): LogRecord {
  const reader = new ByteReader(body, 'log record')
  const record = readFields(reader, TYPES[number - 1])
  reader.end()
  return record
}

function readFields(reader: ByteReader, type: LogRecord['type'] | undefined): LogRecord {
  switch (type) {
    case 'vote':
      return { type, epoch: reader.u64(), slot: reader.u64(), kind: readVoteKind(reader), digest: reader.digest() }
    case 'proposed':
      return { type, epoch: reader.u64(), slot: reader.u64(), digest: reader.digest() }
    case 'block':
      return { type, proposal: readSignedHeader(reader) }
    case 'payload':
      return { type, payload: readPayload(reader) }
    case 'certificate':
      return { type, certificate: readCertificate(reader) }
    case 'committee':
      return { type, committee: readCommittee(reader) }
    case 'epoch':
      return { type, start: readEpochStart(reader) }
    case 'ready':
      return { type, ready: readReady(reader) }
    case undefined:
      throw reader.fault('an unknown type')
    default:
      return type satisfies never
  }
}
