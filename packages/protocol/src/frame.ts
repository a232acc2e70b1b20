import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { ProtocolError } from './errors.ts'
import { CHUNK_BYTES_MAX } from './limits.ts'
import { inspectZstd, zstdCompressOptions, zstdDecompressOptions } from './zstd.ts'

export { ZSTD_LEVEL, ZSTD_WINDOW_LOG_MAX, zstdCompressOptions, zstdDecompressOptions } from './zstd.ts'

const PLAIN = 0
const ZSTD = 1
/** Needs other chunks to be read: `delta.ts`. */
const DELTA = 3

/** A frame taken apart: `payload` shares the frame's memory, and turns into `plainBytes` bytes. */
export interface ParsedFrame {
  readonly encoding: 'plain' | 'zstd'
  readonly payload: Uint8Array
  readonly plainBytes: number
}

/**
 * The form in which a block is stored and sent: one byte for the encoding, then the payload.
 * zstd if it saves at least 5 %, else plain.
 */
export function encodeFrame(plain: Uint8Array, options: { readonly compress?: boolean; readonly level?: number } = {}): Uint8Array {
  if (options.compress === false) return plainFrame(plain)
  const [encoding, payload] = encodeFramePieces(plain, options.level)
  return frameOf(encoding[0]!, payload)
}

/**
 * {@link encodeFrame} in two pieces, for a writer that gathers them: the encoding, and a payload that is not copied. The payload is `plain`
 * itself where zstd gains too little.
 */
export function encodeFramePieces(plain: Uint8Array, level?: number): readonly [encoding: Uint8Array, payload: Uint8Array] {
  return betterPieces(plain, zstdCompressSync(plain, zstdCompressOptions(plain.byteLength, level)))
}

/** The better of the two encodings of `plain`, of which `zstd` is what zstd made. */
export function betterPieces(plain: Uint8Array, zstd: Uint8Array): readonly [encoding: Uint8Array, payload: Uint8Array] {
  checkBlock(plain)
  return zstd.byteLength * 20 <= plain.byteLength * 19 ? [Uint8Array.of(ZSTD), zstd] : [Uint8Array.of(PLAIN), plain]
}

export function plainFrame(plain: Uint8Array): Uint8Array {
  checkBlock(plain)
  return frameOf(PLAIN, plain)
}

/** A plain frame whose payload, a view of it, is yet to be filled with a block of `plainBytes` bytes. */
export function plainFrameToFill(plainBytes: number): { readonly frame: Uint8Array<ArrayBuffer>; readonly payload: Uint8Array } {
  const frame = new Uint8Array(Buffer.allocUnsafeSlow(1 + plainBytes).buffer)
  frame[0] = PLAIN
  return { frame, payload: frame.subarray(1) }
}

/**
 * The block in `frame`, of at most `plainBytesMax` bytes. Its bytes are not verified yet: that takes its CID.
 * A plain block shares the frame's memory.
 *
 * @throws {ProtocolError} `TOO_LARGE` before anything is inflated; `MALFORMED`
 */
export function decodeFrame(frame: Uint8Array, plainBytesMax: number): Uint8Array {
  const { encoding, payload, plainBytes } = parseFrame(frame, plainBytesMax)
  if (encoding === 'plain') return payload
  let plain: Uint8Array
  try {
    plain = zstdDecompressSync(payload, zstdDecompressOptions(plainBytes))
  } catch (cause) {
    throw new ProtocolError({ code: 'MALFORMED', what: 'frame', reason: 'zstd cannot inflate it' }, { cause })
  }
  if (plain.byteLength !== plainBytes) throw malformed(`inflates to ${plain.byteLength} bytes and promises ${plainBytes}`)
  return plain
}

/**
 * Everything of {@link decodeFrame} but the inflating.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`
 */
export function parseFrame(frame: Uint8Array, plainBytesMax: number = CHUNK_BYTES_MAX): ParsedFrame {
  const payload = frame.subarray(1)
  switch (frame[0]) {
    case PLAIN:
      return { encoding: 'plain', payload, plainBytes: bounded(payload.byteLength, plainBytesMax) }
    case ZSTD: {
      // A zstd frame that is no shorter than its plain block is never written: it would only carry padding.
      bounded(payload.byteLength, plainBytesMax)
      const plainBytes = bounded(inspectZstd(payload), plainBytesMax)
      if (payload.byteLength >= plainBytes) throw malformed('zstd saves nothing')
      return { encoding: 'zstd', payload, plainBytes }
    }
    case DELTA:
      throw malformed('a delta, where nothing is to be rebuilt from other chunks')
    case undefined:
      throw malformed('empty')
    default:
      throw malformed(`encoding ${frame[0]}`)
  }
}

function checkBlock(plain: Uint8Array): void {
  if (plain.byteLength > CHUNK_BYTES_MAX) throw new RangeError(`a block of ${plain.byteLength} bytes`)
}

function bounded(plainBytes: number, max: number): number {
  if (plainBytes > max) throw new ProtocolError({ code: 'TOO_LARGE', what: 'block', value: plainBytes, max })
  return plainBytes
}

function frameOf(encoding: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(1 + payload.byteLength)
  frame[0] = encoding
  frame.set(payload, 1)
  return frame
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError({ code: 'MALFORMED', what: 'frame', reason })
}
