import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { SHA256_BYTES } from './digest.ts'
import { ProtocolError } from './errors.ts'
import { CHUNK_BYTES_MAX, DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX } from './limits.ts'
import { inspectZstd, zstdDecompressOptions, zstdDeltaOptions } from './zstd.ts'

/** First byte of a frame that is made from other chunks; `frame.ts` has the ones that need none. */
const DELTA = 2
const HEADER_BYTES = 2

/** A chunk that a delta is made from: its SHA-256 (32 bytes), and the bytes of that digest. */
export interface DeltaBase {
  readonly digest: Uint8Array
  readonly plain: Uint8Array
}

/**
 * A chunk as what it adds to 1 to {@link DELTA_BASES_MAX} other chunks, in the order in which they are searched.
 *
 * May come out longer than `plain`, and is of no use then: {@link decodeDelta} refuses it.
 *
 * @see ../spec/frame.md
 */
export function encodeDelta(plain: Uint8Array, bases: readonly DeltaBase[], level?: number): Uint8Array {
  if (plain.byteLength > CHUNK_BYTES_MAX) throw new RangeError(`a chunk of ${plain.byteLength} bytes`)
  if (bases.length === 0 || bases.length > DELTA_BASES_MAX) throw new RangeError(`${bases.length} bases`)
  const dictionary = dictionaryOf(bases.map((base) => base.plain))
  const payload = zstdCompressSync(plain, zstdDeltaOptions(plain.byteLength, dictionary, level))
  free(dictionary)
  return new Uint8Array(Buffer.concat([Uint8Array.of(DELTA, bases.length), ...bases.map(({ digest }) => digest), payload]))
}

/**
 * The digests of the chunks that it takes to read `frame`; `undefined` if it takes none. Views of the frame.
 *
 * @throws {ProtocolError} `MALFORMED`
 */
export function deltaBases(frame: Uint8Array): readonly Uint8Array[] | undefined {
  if (frame[0] !== DELTA) return undefined
  const count = frame[1] ?? 0
  if (count === 0 || count > DELTA_BASES_MAX) throw malformed(`${count} bases`)
  if (frame.byteLength < HEADER_BYTES + count * SHA256_BYTES) throw malformed('cut off')
  const digests = Array.from({ length: count }, (_, at) => {
    const start = HEADER_BYTES + at * SHA256_BYTES
    return frame.subarray(start, start + SHA256_BYTES)
  })
  if (new Set(digests.map((digest) => Buffer.from(digest).toString('latin1'))).size !== count) throw malformed('the same base twice')
  return digests
}

/**
 * The chunk in the delta `frame`, of at most `plainBytesMax` bytes. `bases` are the plain bytes of the chunks that {@link deltaBases}
 * names, in that order and verified by the caller. What comes out is not verified yet: that takes the chunk's CID.
 *
 * @throws {ProtocolError} `TOO_LARGE` before anything is inflated; `MALFORMED`
 */
export function decodeDelta(frame: Uint8Array, bases: readonly Uint8Array[], plainBytesMax: number): Uint8Array {
  const digests = deltaBases(frame)
  if (digests === undefined) throw malformed('not a delta')
  if (digests.length !== bases.length) throw new RangeError(`${bases.length} bases for a delta of ${digests.length}`)
  const basesBytes = lengthOf(bases)
  if (basesBytes > DELTA_BASES_BYTES_MAX) throw tooLarge('size of the bases', basesBytes, DELTA_BASES_BYTES_MAX)
  if (frame.byteLength > plainBytesMax) throw tooLarge('block', frame.byteLength, plainBytesMax)
  const payload = frame.subarray(HEADER_BYTES + digests.length * SHA256_BYTES)
  const plainBytes = inspectZstd(payload)
  if (plainBytes > plainBytesMax) throw tooLarge('block', plainBytes, plainBytesMax)
  // Larger than the plain frame, it would only carry padding.
  if (frame.byteLength > plainBytes) throw malformed('saves nothing')
  const dictionary = dictionaryOf(bases)
  let plain: Uint8Array
  try {
    plain = zstdDecompressSync(payload, { ...zstdDecompressOptions(plainBytes), dictionary })
  } catch (cause) {
    throw new ProtocolError({ code: 'MALFORMED', what: 'delta', reason: 'zstd cannot inflate it' }, { cause })
  } finally {
    free(dictionary)
  }
  if (plain.byteLength !== plainBytes) throw malformed(`inflates to ${plain.byteLength} bytes and promises ${plainBytes}`)
  return plain
}

/** A byte before the bases: with the magic number of zstd's trained dictionaries at its start, a base would be taken for one. */
function dictionaryOf(bases: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = lengthOf(bases)
  if (bytes > DELTA_BASES_BYTES_MAX) throw new RangeError(`bases of ${bytes} bytes`)
  const dictionary = new Uint8Array(Buffer.allocUnsafeSlow(1 + bytes).buffer)
  dictionary[0] = 0
  let at = 1
  for (const base of bases) {
    dictionary.set(base, at)
    at += base.byteLength
  }
  return dictionary
}

/** Gives the memory back at once, and not when V8 next looks for what is not used. */
function free({ buffer }: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0)
}

function lengthOf(bases: readonly Uint8Array[]): number {
  return bases.reduce((bytes, { byteLength }) => bytes + byteLength, 0)
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'delta', reason })
}

function tooLarge(what: string, value: number, max: number): ProtocolError {
  return new ProtocolError({ code: 'TOO_LARGE', what, value, max })
}
