import { type CID, decodeFrame, ProtocolError, verifyBlock } from '@cairn/protocol'

/**
 * The plain block that `cid` names, of at most `plainBytesMax` bytes, out of a frame from a peer: for manifest pages, which are small.
 *
 * @throws {ProtocolError} `MALFORMED`, `TOO_LARGE`, `MISMATCH`
 */
export function unpack(cid: CID, frame: Uint8Array, plainBytesMax: number): Uint8Array {
  const plain = decodeFrame(frame, plainBytesMax)
  if (verifyBlock(cid, plain)) return plain
  throw new ProtocolError({ code: 'MISMATCH', what: 'block', found: 'other content', wanted: cid.toString() })
}
