import { type CID, decodeFrame, ProtocolError, verifyBlock } from '@cairn/protocol'

/**
 * Turns a frame from a peer into the plain block that `cid` names, or throws: nothing goes on without this check.
 *
 * `plainBytesMax` bounds what is inflated. Implementations: {@link unpackInline}, and the one of `storage` that works off the main thread.
 *
 * @throws {ProtocolError} `MALFORMED`, `TOO_LARGE`, `MISMATCH`
 */
export type Unpack = (cid: CID, frame: Uint8Array, plainBytesMax: number) => Promise<Uint8Array>

/** Works on the calling thread: for small blocks, and for runs that must replay. */
export const unpackInline: Unpack = async (cid, frame, plainBytesMax) => {
  const plain = decodeFrame(frame, plainBytesMax)
  if (!verifyBlock(cid, plain)) {
    throw new ProtocolError({ code: 'MISMATCH', what: 'block', found: 'other content', wanted: cid.toString() })
  }
  return plain
}
