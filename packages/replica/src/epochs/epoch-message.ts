import { ByteReader, ByteWriter, decodeEpochRecord, encodeEpochRecord, type EpochRecord } from '@cairn/ledger'

/** How replicas gather the records of epochs that have ended, and hand them to those who come later. */
export type EpochMessage =
  | { readonly type: 'ask'; readonly epoch: number }
  /** As much of it as the sender has. */
  | { readonly type: 'record'; readonly record: EpochRecord }

const ASK = 1
const RECORD = 2

/** type u8, then epoch u64, or length u32 | record. */
export function encodeEpochMessage(message: EpochMessage): Uint8Array {
  if (message.type === 'ask') return new ByteWriter(9).u8(ASK).u64(message.epoch).finish()
  const record = encodeEpochRecord(message.record)
  return new ByteWriter(5 + record.byteLength).u8(RECORD).u32(record.byteLength).bytes(record).finish()
}

/** @throws {LedgerError} `MALFORMED` */
export function decodeEpochMessage(bytes: Uint8Array): EpochMessage {
  const reader = new ByteReader(bytes, 'epoch message')
  const kind = reader.u8()
  if (kind !== ASK && kind !== RECORD) throw reader.fault(`kind ${kind}`)
  const message: EpochMessage =
    kind === ASK ? { type: 'ask', epoch: reader.u64() } : { type: 'record', record: decodeEpochRecord(reader.bytes(reader.u32())) }
  reader.end()
  return message
}
