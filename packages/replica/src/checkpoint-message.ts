import { ByteReader, ByteWriter, type Digest } from '@cairn/ledger'

/** What a seat tells the others about a checkpoint: that it has it on disk, and stands for it. */
export interface CheckpointMessage {
  readonly height: number
  readonly digest: Digest
  readonly seat: number
  readonly signature: Uint8Array
}

const SIGNATURE_BYTES = 64
const CHECKPOINT_MESSAGE_BYTES = 8 + 32 + 1 + SIGNATURE_BYTES

/** height u64 | digest 32 | seat u8 | signature 64. */
export function encodeCheckpointMessage({ height, digest, seat, signature }: CheckpointMessage): Uint8Array {
  return new ByteWriter(CHECKPOINT_MESSAGE_BYTES).u64(height).digest(digest).u8(seat).bytes(signature).finish()
}

/** @throws {LedgerError} `MALFORMED` */
export function decodeCheckpointMessage(bytes: Uint8Array): CheckpointMessage {
  const reader = new ByteReader(bytes, 'checkpoint message')
  const message = { height: reader.u64(), digest: reader.digest(), seat: reader.u8(), signature: reader.bytes(SIGNATURE_BYTES) }
  reader.end()
  return message
}
