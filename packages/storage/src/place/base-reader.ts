import { decodeDelta, ProtocolError, sha256 } from '@cairn/protocol/chunk'
import { freeMemory } from '@cairn/runtime'
import { StorageError } from '../errors.ts'
import { readFully } from './open-source.ts'
import type { BaseChunk, DeltaBases } from './placer.ts'

/**
 * The chunk in the delta `frame` that has this digest, made from what is on this machine.
 *
 * Bases are a multiple of what they make, so only the pieces are read, and nothing of them is hashed: what comes out of wrong ones is not the
 * chunk. Only then the bases are, to know whether the frame is to blame.
 *
 * @throws {StorageError} `BASE_MISSING` if a base is nowhere as it was
 * @throws {ProtocolError} `MALFORMED`, `TOO_LARGE`; `MISMATCH` if it holds another chunk
 */
export function decodeFromBases(frame: Uint8Array, delta: DeltaBases, plainBytesMax: number, digest: Uint8Array): Uint8Array {
  const basesBytes = delta.bases.map(({ plainBytes }) => plainBytes)
  const decodeWith = (fill: (into: Uint8Array, base: number, offset: number) => void): Uint8Array =>
    assertIsChunk(decodeDelta(frame, { basesBytes, fill }, plainBytesMax), digest)
  const missing = (base: number): StorageError =>
    new StorageError({ code: 'BASE_MISSING', path: delta.path, chunk: delta.chunk, base: toHex(delta.bases[base]!.digest) })
  try {
    return decodeWith((into, base, offset) => {
      if (!delta.bases[base]!.from.some((place) => holds(place.path, place.offset + offset, into, undefined))) throw missing(base)
    })
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    const plains = new Map<number, Uint8Array | undefined>()
    try {
      // Every base has a piece, so each is looked at; but none before the frame was found to be within its bounds.
      return decodeWith((into, base, offset) => {
        if (!plains.has(base)) plains.set(base, readVerified(delta.bases[base]!))
        const plain = plains.get(base)
        if (plain === undefined) throw missing(base)
        into.set(plain.subarray(offset, offset + into.byteLength))
      })
    } finally {
      for (const plain of plains.values()) if (plain !== undefined) freeMemory(plain)
    }
  }
}

function readVerified({ digest, plainBytes, from }: BaseChunk): Uint8Array | undefined {
  const plain = Buffer.allocUnsafeSlow(plainBytes)
  return from.some(({ path, offset }) => holds(path, offset, plain, digest)) ? plain : undefined
}

/** @throws {ProtocolError} `MISMATCH` */
export function assertIsChunk(plain: Uint8Array, digest: Uint8Array): Uint8Array {
  const found = sha256(plain)
  if (Buffer.compare(found, digest) === 0) return plain
  throw new ProtocolError({ code: 'MISMATCH', what: 'chunk', found: toHex(found), wanted: toHex(digest) })
}

/** Fills `plain`; whether it is the chunk with this digest, if there is one. What cannot be read is not. */
export function holds(path: string, offset: number, plain: Uint8Array, digest: Uint8Array | undefined): boolean {
  try {
    return readFully(path, offset, plain) && (digest === undefined || hasDigest(plain, digest))
  } catch (error) {
    if (error instanceof StorageError) return false
    throw error
  }
}

function hasDigest(plain: Uint8Array, digest: Uint8Array): boolean {
  return Buffer.compare(sha256(plain), digest) === 0
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
