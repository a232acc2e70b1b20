import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { SHA256_BYTES } from './digest.ts'
import { ProtocolError } from './errors.ts'
import { CHUNK_BYTES_MAX, DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX, DELTA_DICTIONARY_BYTES_MAX, DELTA_PIECES_MAX } from './limits.ts'
import { inspectZstd, zstdDecompressOptions, zstdDeltaOptions } from './zstd.ts'

/** First byte of a frame that is made from other chunks; `frame.ts` has the ones that need none. */
const DELTA = 3
/** First byte, count of bases (1), count of pieces (2). */
const HEADER_BYTES = 4
/** Which base (1), offset (3), bytes (3). */
const PIECE_BYTES = 7

/** A chunk that a delta is made from: its SHA-256 (32 bytes), and the bytes of that digest. */
export interface DeltaBase {
  readonly digest: Uint8Array
  readonly plain: Uint8Array
}

/** A part of a base. */
export interface DeltaPiece {
  /** Position of the base among the delta's bases. */
  readonly base: number
  /** In bytes, from the start of the base. */
  readonly offset: number
  readonly bytes: number
}

/** What it takes to read a delta. */
export interface DeltaRecipe {
  /** SHA-256 of each base; views of the frame. */
  readonly bases: readonly Uint8Array[]
  /** In the order in which they make up the dictionary. */
  readonly pieces: readonly DeltaPiece[]
}

/** Where the bytes of a delta's bases come from. */
export interface DeltaSource {
  /** Length of each base, in the order of the frame. */
  readonly basesBytes: readonly number[]
  /** Fills `into` with the bytes of base `base` from `offset` on. */
  fill(into: Uint8Array, base: number, offset: number): void
}

/**
 * A chunk as what it adds to `pieces` of 1 to {@link DELTA_BASES_MAX} other chunks.
 *
 * May come out longer than `plain`, and is of no use then: {@link decodeDelta} refuses it.
 *
 * @see ../spec/frame.md
 */
export function encodeDelta(plain: Uint8Array, bases: readonly DeltaBase[], pieces: readonly DeltaPiece[], level?: number): Uint8Array {
  if (plain.byteLength > CHUNK_BYTES_MAX) throw new RangeError(`a chunk of ${plain.byteLength} bytes`)
  const source: DeltaSource = {
    basesBytes: bases.map((base) => base.plain.byteLength),
    fill: (into, base, offset) => into.set(bases[base]!.plain.subarray(offset, offset + into.byteLength)),
  }
  const problem = problemOf({ bases: bases.map(({ digest }) => digest), pieces }) ?? reachProblem(pieces, source.basesBytes)
  if (problem !== undefined) throw new RangeError(problem)
  if (lengthOf(source.basesBytes) > DELTA_BASES_BYTES_MAX) throw new RangeError(`bases of ${lengthOf(source.basesBytes)} bytes`)
  const dictionary = dictionaryOf(pieces, source)
  const payload = zstdCompressSync(plain, zstdDeltaOptions(plain.byteLength, dictionary, level))
  free(dictionary)
  return new Uint8Array(Buffer.concat([headerOf(bases, pieces), payload]))
}

/** Bytes that a delta takes besides its zstd frame. */
export function deltaHeaderBytes(basesCount: number, piecesCount: number): number {
  return HEADER_BYTES + basesCount * SHA256_BYTES + piecesCount * PIECE_BYTES
}

/**
 * The chunks that it takes to read `frame`, and the parts of them; `undefined` if it takes none.
 *
 * @throws {ProtocolError} `MALFORMED`
 */
export function deltaRecipe(frame: Uint8Array): DeltaRecipe | undefined {
  if (frame[0] !== DELTA) return undefined
  if (frame.byteLength < HEADER_BYTES) throw malformed('cut off')
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  const basesCount = view.getUint8(1)
  const piecesCount = view.getUint16(2)
  if (basesCount > DELTA_BASES_MAX) throw malformed(`${basesCount} bases`)
  if (piecesCount > DELTA_PIECES_MAX) throw malformed(`${piecesCount} pieces`)
  if (frame.byteLength < deltaHeaderBytes(basesCount, piecesCount)) throw malformed('cut off')
  const bases = Array.from({ length: basesCount }, (_, at) => {
    const start = HEADER_BYTES + at * SHA256_BYTES
    return frame.subarray(start, start + SHA256_BYTES)
  })
  const pieces = Array.from({ length: piecesCount }, (_, at): DeltaPiece => {
    const start = HEADER_BYTES + basesCount * SHA256_BYTES + at * PIECE_BYTES
    return { base: view.getUint8(start), offset: view.getUint32(start) & 0xff_ffff, bytes: view.getUint32(start + 3) & 0xff_ffff }
  })
  const problem = problemOf({ bases, pieces })
  if (problem !== undefined) throw malformed(problem)
  return { bases, pieces }
}

/**
 * The chunk in the delta `frame`, of at most `plainBytesMax` bytes. `source` has the chunks that {@link deltaRecipe} names. What comes out
 * is not verified yet: that takes the chunk's CID.
 *
 * @throws {ProtocolError} `TOO_LARGE` before anything is read or inflated; `MALFORMED`
 */
export function decodeDelta(frame: Uint8Array, source: DeltaSource, plainBytesMax: number): Uint8Array {
  const recipe = deltaRecipe(frame)
  if (recipe === undefined) throw malformed('not a delta')
  const { bases, pieces } = recipe
  if (bases.length !== source.basesBytes.length) throw new RangeError(`${source.basesBytes.length} bases for a delta of ${bases.length}`)
  const basesBytes = lengthOf(source.basesBytes)
  if (basesBytes > DELTA_BASES_BYTES_MAX) throw tooLarge('size of the bases', basesBytes, DELTA_BASES_BYTES_MAX)
  const problem = reachProblem(pieces, source.basesBytes)
  if (problem !== undefined) throw malformed(problem)
  if (frame.byteLength > plainBytesMax) throw tooLarge('block', frame.byteLength, plainBytesMax)
  const payload = frame.subarray(deltaHeaderBytes(bases.length, pieces.length))
  const plainBytes = inspectZstd(payload)
  if (plainBytes > plainBytesMax) throw tooLarge('block', plainBytes, plainBytesMax)
  // Larger than the plain frame, it would only carry padding.
  if (frame.byteLength > plainBytes) throw malformed('saves nothing')
  const dictionary = dictionaryOf(pieces, source)
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

function headerOf(bases: readonly DeltaBase[], pieces: readonly DeltaPiece[]): Uint8Array {
  const header = Buffer.alloc(deltaHeaderBytes(bases.length, pieces.length))
  header[0] = DELTA
  header[1] = bases.length
  header.writeUInt16BE(pieces.length, 2)
  let at = HEADER_BYTES
  for (const { digest } of bases) {
    header.set(digest, at)
    at += SHA256_BYTES
  }
  for (const { base, offset, bytes } of pieces) {
    header[at] = base
    header.writeUIntBE(offset, at + 1, 3)
    header.writeUIntBE(bytes, at + 4, 3)
    at += PIECE_BYTES
  }
  return header
}

/** Why nothing can be made with a recipe, whatever its bases are. */
function problemOf({ bases, pieces }: DeltaRecipe): string | undefined {
  if (bases.length === 0 || bases.length > DELTA_BASES_MAX) return `${bases.length} bases`
  if (pieces.length === 0 || pieces.length > DELTA_PIECES_MAX) return `${pieces.length} pieces`
  if (new Set(bases.map((digest) => Buffer.from(digest).toString('latin1'))).size !== bases.length) return 'the same base twice'
  const used = new Set(pieces.map(({ base }) => base))
  if (used.size !== bases.length || Math.max(...used) >= bases.length) return 'its pieces are not of its bases'
  if (pieces.some(({ bytes }) => bytes === 0)) return 'a piece of no bytes'
  const dictionaryBytes = lengthOf(pieces.map(({ bytes }) => bytes))
  return dictionaryBytes > DELTA_DICTIONARY_BYTES_MAX ? `pieces of ${dictionaryBytes} bytes` : undefined
}

function reachProblem(pieces: readonly DeltaPiece[], basesBytes: readonly number[]): string | undefined {
  const beyond = pieces.find(({ base, offset, bytes }) => offset + bytes > basesBytes[base]!)
  return beyond === undefined
    ? undefined
    : `a piece that ends at ${beyond.offset + beyond.bytes} of a base of ${basesBytes[beyond.base]} bytes`
}

/** A byte before the pieces: with the magic number of zstd's trained dictionaries at its start, a piece would be taken for one. */
function dictionaryOf(pieces: readonly DeltaPiece[], source: DeltaSource): Uint8Array<ArrayBuffer> {
  const dictionary = new Uint8Array(Buffer.allocUnsafeSlow(1 + lengthOf(pieces.map(({ bytes }) => bytes))).buffer)
  dictionary[0] = 0
  let at = 1
  try {
    for (const { base, offset, bytes } of pieces) {
      source.fill(dictionary.subarray(at, at + bytes), base, offset)
      at += bytes
    }
  } catch (error) {
    free(dictionary)
    throw error
  }
  return dictionary
}

/** Gives the memory back at once, and not when V8 next looks for what is not used. */
function free({ buffer }: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0)
}

function lengthOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, bytes) => sum + bytes, 0)
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'delta', reason })
}

function tooLarge(what: string, value: number, max: number): ProtocolError {
  return new ProtocolError({ code: 'TOO_LARGE', what, value, max })
}
