import { type CID, decodeCid } from '@cairn/protocol'

/**
 * A CID as the key of a `Map`: its bytes, one per character.
 * 36 bytes in V8's one-byte strings (a `CID` object is about 400), and V8 seeds their hash, so chosen digests cannot flood a table.
 */
export type BlockKey = string

export function blockKey(cid: CID): BlockKey {
  const { buffer, byteOffset, byteLength } = cid.bytes
  return Buffer.from(buffer, byteOffset, byteLength).toString('latin1')
}

export function keyBytes(key: BlockKey): Uint8Array {
  return Buffer.from(key, 'latin1')
}

export function keyCid(key: BlockKey): CID {
  return decodeCid(keyBytes(key))
}
