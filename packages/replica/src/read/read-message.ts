import { ByteReader, ByteWriter } from '@cairn/ledger'

/** How seats tell a reader how far the ledger may have come. Both count only over the channel of the seat that says them. */
export type ReadMessage =
  | { readonly type: 'ask'; readonly round: number }
  /** The highest slot in which this seat has voted for a block, or knows a final one. */
  | { readonly type: 'answer'; readonly round: number; readonly votedSlot: number }

const ASK = 1
const ANSWER = 2
const READ_MESSAGE_BYTES = 1 + 8 + 8

/** type u8 | round u64, and of an answer slot u64. */
export function encodeReadMessage(message: ReadMessage): Uint8Array {
  const writer = new ByteWriter(READ_MESSAGE_BYTES).u8(message.type === 'ask' ? ASK : ANSWER).u64(message.round)
  return (message.type === 'ask' ? writer : writer.u64(message.votedSlot)).finish()
}

/** @throws {LedgerError} `MALFORMED` */
export function decodeReadMessage(bytes: Uint8Array): ReadMessage {
  const reader = new ByteReader(bytes, 'read message')
  const kind = reader.u8()
  if (kind !== ASK && kind !== ANSWER) throw reader.fault(`kind ${kind}`)
  const round = reader.u64()
  const message: ReadMessage = kind === ASK ? { type: 'ask', round } : { type: 'answer', round, votedSlot: reader.u64() }
  reader.end()
  return message
}
