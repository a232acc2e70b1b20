import { NetworkError } from './errors.ts'
import type { PeerId } from './transport.ts'

/** Bytes of the big-endian length before each frame. */
const HEADER_BYTES = 4

/** What goes on the wire before a frame of `bytes` bytes. */
export function frameHeader(bytes: number): Uint8Array {
  return Uint8Array.of(bytes >>> 24, bytes >>> 16, bytes >>> 8, bytes)
}

/**
 * Cuts a byte stream into frames, however the stream was split on its way.
 *
 * Frames are cut when they are asked for and not when they arrive, so that a peer that sends a million
 * empty frames costs what their bytes cost and not a million objects.
 */
export class FrameReader {
  readonly #peer: PeerId
  readonly #frameBytesMax: number
  #parts: Uint8Array[] = []
  /** Bytes of the first part that have been taken. */
  #offset = 0
  #bufferedBytes = 0
  /** Length of the frame at the front, once its header has been taken. */
  #frameBytes: number | undefined

  constructor(init: { readonly peer: PeerId; readonly frameBytesMax: number }) {
    this.#peer = init.peer
    this.#frameBytesMax = init.frameBytesMax
  }

  /** Bytes that have arrived and have not been taken. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /** Whether the stream stopped inside a frame; meaningful when {@link hasFrame} is false. */
  get isTruncated(): boolean {
    return this.#bufferedBytes > 0 || this.#frameBytes !== undefined
  }

  /** Appends what arrived. It is kept by reference, and frames inside one part are views of it. */
  push(part: Uint8Array): void {
    if (part.byteLength === 0) return
    this.#parts.push(part)
    this.#bufferedBytes += part.byteLength
  }

  /**
   * Whether a whole frame has arrived.
   *
   * @throws {NetworkError} `FRAME_TOO_LARGE`, as soon as the length is known and from then on
   */
  hasFrame(): boolean {
    if (this.#frameBytes === undefined) {
      if (this.#bufferedBytes < HEADER_BYTES) return false
      const [a, b, c, d] = this.#take(HEADER_BYTES)
      this.#frameBytes = a! * 2 ** 24 + ((b! << 16) | (c! << 8) | d!)
    }
    const bytes = this.#frameBytes
    if (bytes > this.#frameBytesMax) {
      throw new NetworkError({ code: 'FRAME_TOO_LARGE', peer: this.#peer, bytes, bytesMax: this.#frameBytesMax })
    }
    return this.#bufferedBytes >= bytes
  }

  /**
   * Takes the next frame; `undefined` when none has arrived whole.
   *
   * @throws {NetworkError} `FRAME_TOO_LARGE`
   */
  next(): Uint8Array | undefined {
    if (!this.hasFrame()) return undefined
    const frame = this.#take(this.#frameBytes ?? 0)
    this.#frameBytes = undefined
    return frame
  }

  /** Takes `bytes` bytes, which have arrived: a view if they lie in one part, a copy if they span several. */
  #take(bytes: number): Uint8Array {
    this.#bufferedBytes -= bytes
    const first = this.#parts[0]
    if (first === undefined || bytes === 0) return new Uint8Array(0)
    const end = this.#offset + bytes
    if (end <= first.byteLength) {
      // Not `subarray`: what arrives are Buffers, whose `slice` shares memory where a Uint8Array's copies.
      const view = new Uint8Array(first.buffer, first.byteOffset + this.#offset, bytes)
      this.#offset = end
      if (end === first.byteLength) {
        this.#parts.shift()
        this.#offset = 0
      }
      return view
    }

    const joined = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
    let filled = 0
    let index = 0
    while (filled < bytes) {
      const part = this.#parts[index]!
      const piece = part.subarray(this.#offset, this.#offset + bytes - filled)
      joined.set(piece, filled)
      filled += piece.byteLength
      this.#offset += piece.byteLength
      if (this.#offset === part.byteLength) {
        index++
        this.#offset = 0
      }
    }
    this.#parts.splice(0, index)
    return joined
  }
}
