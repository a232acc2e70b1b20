import { CHUNK_BYTES_MAX, decodeDelta, decodeFrame, encodeFrame, parseFrame, ProtocolError, sha256 } from '@cairn/protocol/chunk'

/** A delta, and what it takes to turn it into the chunk's own frame. */
export interface RebuildJob {
  readonly delta: Uint8Array
  /** Frames of its bases, in the order in which it names them, none of them a delta; from a store that checks what it reads. */
  readonly bases: readonly Uint8Array[]
  /** SHA-256 of the chunk. */
  readonly digest: Uint8Array
  readonly plainBytes: number
}

/**
 * The frame of a chunk that came as a delta, for a store, which holds no deltas.
 *
 * @throws {ProtocolError} when the delta is not that of the chunk
 */
export function rebuildFrame({ delta, bases, digest, plainBytes }: RebuildJob): Uint8Array {
  const plains = new Map<number, Uint8Array>()
  const fill = (into: Uint8Array, base: number, offset: number): void => {
    const inflated = plains.get(base) ?? decodeFrame(bases[base]!, CHUNK_BYTES_MAX)
    plains.set(base, inflated)
    into.set(inflated.subarray(offset, offset + into.byteLength))
  }
  // Headers say how long the bases are: what is too much is refused before anything is inflated.
  const basesBytes = bases.map((frame) => parseFrame(frame, CHUNK_BYTES_MAX).plainBytes)
  const plain = decodeDelta(delta, { basesBytes, fill }, plainBytes)
  const found = sha256(plain)
  if (Buffer.compare(found, digest) === 0) return encodeFrame(plain)
  throw new ProtocolError({ code: 'MISMATCH', what: 'chunk', found: toHex(found), wanted: toHex(digest) })
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
