import { type CID, decodeCid } from '@cairn/protocol'

/**
 * A CID as the key of a `Map`: its bytes, one per character.
 * 36 bytes in V8's one-byte strings (a `CID` object takes about 900), and V8 seeds their hash, so chosen digests cannot flood a table.
 */
export type BlockKey = string

export function blockKey(cid: CID): BlockKey {
  return keyOfBytes(cid.bytes)
}

/** The key of the CID, or the digest, with these bytes. */
export function keyOfBytes({ buffer, byteOffset, byteLength }: Uint8Array): BlockKey {
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

export function keyBytes(key: BlockKey): Uint8Array {
  return new Uint8Array(Buffer.from(key, 'latin1')) // a copy, out of Node's shared pool of small buffers
}

export function keyCid(key: BlockKey): CID {
  return decodeCid(keyBytes(key))
}
