import { webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { zstdCompress } from 'node:zlib'
import { betterFrame, zstdCompressOptions } from '@cairn/protocol'

const compress = promisify(zstdCompress)

/** The SHA-256 of `bytes`, computed on libuv's thread pool. */
export async function digestInPool(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes))
}

/** `protocol`'s `encodeFrame`, with zstd on libuv's thread pool. */
export async function packInPool(plain: Uint8Array): Promise<Uint8Array> {
  return betterFrame(plain, await compress(plain, zstdCompressOptions(plain.byteLength)))
}
