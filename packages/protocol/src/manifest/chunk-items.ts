import { SHA256_BYTES } from '../cid.ts'
import { CHUNK_BYTES_MAX } from '../limits.ts'
import type { ChunkRef } from './types.ts'
import { malformed } from './fields.ts'
import { readUint32 } from './uint32.ts'

/** One chunk in a page: digest, then length as u32 big-endian. Fixed, so a run of chunks is one byte string. */
export const CHUNK_ITEM_BYTES = SHA256_BYTES + 4

/** A run of chunks, {@link CHUNK_ITEM_BYTES} each, as it stands in a page. */
export type ChunkItems = Uint8Array

export function encodeChunkItem(ref: ChunkRef): Uint8Array {
  const item = new Uint8Array(CHUNK_ITEM_BYTES)
  item.set(ref.digest)
  new DataView(item.buffer).setUint32(SHA256_BYTES, ref.bytes)
  return item
}

/** Checks the shape of a run from a page: whole items, each of 1 byte to {@link CHUNK_BYTES_MAX}. */
export function assertChunkItems(items: ChunkItems): void {
  if (items.byteLength % CHUNK_ITEM_BYTES !== 0) throw malformed('chunk run', `${items.byteLength} bytes are not whole items`)
  for (const ref of chunkRefs(items)) assertChunkRef(ref)
}

/** The chunks of a run. Digests are views into `items`. */
export function* chunkRefs(items: ChunkItems): Generator<ChunkRef> {
  for (let at = 0; at < items.byteLength; at += CHUNK_ITEM_BYTES) {
    yield { digest: items.subarray(at, at + SHA256_BYTES), bytes: readUint32(items, at + SHA256_BYTES) }
  }
}

/** @throws {ProtocolError} `MALFORMED` unless it is a SHA-256 digest and 1 byte to {@link CHUNK_BYTES_MAX} */
export function assertChunkRef({ digest, bytes }: ChunkRef): void {
  if (digest.byteLength !== SHA256_BYTES) throw malformed('chunk', `digest of ${digest.byteLength} bytes`)
  if (!Number.isInteger(bytes) || bytes < 1 || bytes > CHUNK_BYTES_MAX) throw malformed('chunk', `length ${bytes}`)
}
