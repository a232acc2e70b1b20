import { webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { type CID, cidDigest, parseFrame, ProtocolError, zstdDecompressOptions } from '@cairn/protocol'

const inflate = promisify(zstdDecompress)

/** The SHA-256 of `bytes`, computed on libuv's thread pool. */
async function digestInPool(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes))
}

/**
 * The plain block that `cid` names, out of a frame from anywhere: inflated within `plainBytesMax` and checked, both on libuv's thread pool.
 *
 * @throws {ProtocolError} `MALFORMED`, `TOO_LARGE`, `MISMATCH`
 */
export async function unpackInPool(cid: CID, frame: Uint8Array, plainBytesMax: number): Promise<Uint8Array> {
  const { encoding, payload, plainBytes } = parseFrame(frame, plainBytesMax)
  const plain = encoding === 'plain' ? payload : await inflatePayload(payload, plainBytes)
  const digest = await digestInPool(plain as Uint8Array<ArrayBuffer>)
  if (Buffer.compare(digest, cidDigest(cid)) !== 0) {
    throw new ProtocolError({ code: 'MISMATCH', what: 'block', found: 'other content', wanted: cid.toString() })
  }
  return plain
}

async function inflatePayload(payload: Uint8Array, plainBytes: number): Promise<Uint8Array> {
  let plain: Uint8Array
  try {
    plain = await inflate(payload, zstdDecompressOptions(plainBytes))
  } catch (cause) {
    throw new ProtocolError({ code: 'MALFORMED', what: 'frame', reason: 'zstd cannot inflate it' }, { cause })
  }
  if (plain.byteLength !== plainBytes) {
    throw new ProtocolError({
      code: 'MALFORMED',
      what: 'frame',
      reason: `inflates to ${plain.byteLength} bytes and promises ${plainBytes}`,
    })
  }
  return plain
}
