import { CID_BYTES, FRAME_BYTES_MAX } from '@cairn/protocol/chunk'

/** The first bytes of a pack: its name and the version of what follows; see `block-store.md` of the format pages. */
export const PACK_MAGIC: Uint8Array = Buffer.from('cairnpk\x01', 'latin1')

/** Bytes before each frame: CID, length of the frame and its CRC-32. */
export const RECORD_HEADER_BYTES = CID_BYTES + 8

/** A frame in a pack. */
export interface PackedFrame {
  /** Its CID in binary. */
  readonly cid: Uint8Array
  /** Offset of the frame in the pack. */
  readonly start: number
  readonly bytes: number
  /** CRC-32 of the frame. */
  readonly checksum: number
}

export function encodeRecordHeader(cid: Uint8Array, bytes: number, checksum: number): Uint8Array {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES)
  header.set(cid)
  header.writeUInt32BE(bytes, CID_BYTES)
  header.writeUInt32BE(checksum, CID_BYTES + 4)
  return header
}

/** The frame that the record at `offset` of a pack announces, or `undefined` for what a power cut or a full disk left. */
export function decodeRecordHeader(header: Buffer, offset: number): PackedFrame | undefined {
  if (header.byteLength < RECORD_HEADER_BYTES) return undefined
  const bytes = header.readUInt32BE(CID_BYTES)
  if (bytes === 0 || bytes > FRAME_BYTES_MAX) return undefined
  const cid = new Uint8Array(header.subarray(0, CID_BYTES))
  return { cid, start: offset + RECORD_HEADER_BYTES, bytes, checksum: header.readUInt32BE(CID_BYTES + 4) }
}
