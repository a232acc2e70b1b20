import { createHash } from 'node:crypto'
import { type CID, chunkCid, encodeFrame, sha256 } from '@cairn/protocol'

/** `bytes` bytes that do not compress, the same for the same `seed` (SHAKE-128 of it). */
export function sampleBytes(seed: string | number, bytes: number): Uint8Array {
  return createHash('shake128', { outputLength: bytes }).update(String(seed)).digest()
}

export interface SampleBlock {
  readonly cid: CID
  readonly plain: Uint8Array
  readonly frame: Uint8Array
}

/** `count` different chunks of `bytes` bytes; every second one compresses. */
export function sampleBlocks(count: number, bytes: number): readonly SampleBlock[] {
  return Array.from({ length: count }, (_, i) => {
    const plain = i % 2 === 0 ? sampleBytes(i, bytes) : Buffer.alloc(bytes, `block ${i} `)
    return { cid: chunkCid(sha256(plain)), plain, frame: encodeFrame(plain) }
  })
}
