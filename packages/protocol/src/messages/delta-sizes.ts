import { ProtocolError } from '../errors.ts'
import { FRAME_BYTES_MAX } from '../limits.ts'
import { malformed } from '../manifest/fields.ts'
import { DELTA_SIZES_BYTES_MAX } from './limits.ts'

const WHAT = 'delta sizes'
const VERSION = 1

/**
 * Bytes of the deltas that lead from one snapshot to another, by chunk index of the latter: a version byte, then for each chunk, ascending,
 * how many chunks were passed over since the last one and the bytes of its delta's frame, as LEB128.
 *
 * Gives `undefined` where that takes more than {@link DELTA_SIZES_BYTES_MAX} bytes.
 *
 * @see ../../spec/control.md
 */
export function encodeDeltaSizes(sizes: ReadonlyMap<number, number>): Uint8Array | undefined {
  const bytes: number[] = [VERSION]
  let next = 0
  for (const [chunk, frameBytes] of [...sizes].sort(([a], [b]) => a - b)) {
    write(bytes, chunk - next)
    write(bytes, frameBytes)
    next = chunk + 1
    if (bytes.length > DELTA_SIZES_BYTES_MAX) return undefined
  }
  return Uint8Array.from(bytes)
}

/**
 * Frame bytes by chunk index, ascending; `chunksCount` is that of the snapshot that the deltas lead to.
 *
 * @throws {ProtocolError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION`
 */
export function decodeDeltaSizes(bytes: Uint8Array, chunksCount: number): ReadonlyMap<number, number> {
  if (bytes.byteLength > DELTA_SIZES_BYTES_MAX) throw tooLarge(`length of ${WHAT}`, bytes.byteLength, DELTA_SIZES_BYTES_MAX)
  if (bytes[0] === undefined) throw malformed(WHAT, 'empty')
  if (bytes[0] !== VERSION) throw new ProtocolError({ code: 'UNSUPPORTED_VERSION', what: WHAT, found: bytes[0], supported: VERSION })
  const sizes = new Map<number, number>()
  let next = 0
  for (let at = 1; at < bytes.byteLength;) {
    const gap = read(bytes, at)
    const frame = read(bytes, gap.end)
    const chunk = next + gap.value
    if (chunk >= chunksCount) throw tooLarge('chunk', chunk, chunksCount - 1)
    if (frame.value === 0) throw malformed(WHAT, 'a frame of no bytes')
    if (frame.value > FRAME_BYTES_MAX) throw tooLarge('frame', frame.value, FRAME_BYTES_MAX)
    sizes.set(chunk, frame.value)
    next = chunk + 1
    at = frame.end
  }
  return sizes
}

/** Four of them hold 28 bits: more than any chunk index and any frame. */
const LEB128_BYTES_MAX = 4

function write(bytes: number[], value: number): void {
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80)
  bytes.push(value)
}

function read(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0
  for (let i = 0; i < LEB128_BYTES_MAX; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) throw malformed(WHAT, 'cut off')
    value |= (byte & 0x7f) << (7 * i)
    if (byte > 0x7f) continue
    if (byte === 0 && i > 0) throw malformed(WHAT, 'a number in too many bytes')
    return { value, end: at + i + 1 }
  }
  throw malformed(WHAT, 'a number in too many bytes')
}

function tooLarge(what: string, value: number, max: number): ProtocolError {
  return new ProtocolError({ code: 'TOO_LARGE', what, value, max })
}
