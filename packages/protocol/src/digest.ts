// What names a block, in bytes and without multiformats: threads that only make chunks start with this.
import { hash } from 'node:crypto'

/** Length of a SHA-256 digest. */
export const SHA256_BYTES = 32
/** Length of a CID in binary: version, codec, hash code and hash length (one byte each) and the digest. */
export const CID_BYTES = 4 + SHA256_BYTES

export const CODEC_RAW = 0x55
export const CODEC_DAG_CBOR = 0x71
export const HASH_SHA256 = 0x12

export function sha256(bytes: Uint8Array): Uint8Array {
  // A plain copy: the Buffer that Node returns is a view of a pool that it would keep alive.
  return new Uint8Array(hash('sha256', bytes, 'buffer'))
}

/** The binary form of the CID that names the chunk with SHA-256 `digest` (32 bytes). */
export function chunkCidBytes(digest: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(CID_BYTES)
  bytes.set([1, CODEC_RAW, HASH_SHA256, SHA256_BYTES])
  bytes.set(digest, CID_BYTES - SHA256_BYTES)
  return bytes
}
