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

  /** Appends what arrived. It is kept by reference until its frames have been taken. */
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
      this.#frameBytes = 0
      for (let i = 0; i < HEADER_BYTES; i++) this.#frameBytes = this.#frameBytes * 256 + this.#takeByte()
    }
    const bytes = this.#frameBytes
    if (bytes > this.#frameBytesMax) {
      throw new NetworkError({ code: 'FRAME_TOO_LARGE', peer: this.#peer, bytes, bytesMax: this.#frameBytesMax })
    }
    return this.#bufferedBytes >= bytes
  }

  /**
   * Takes the next frame, in memory of its own; `undefined` when none has arrived whole.
   *
   * @throws {NetworkError} `FRAME_TOO_LARGE`
   */
  next(): Uint8Array | undefined {
    if (!this.hasFrame()) return undefined
    const frame = this.#take(this.#frameBytes ?? 0)
    this.#frameBytes = undefined
    return frame
  }

  #takeByte(): number {
    const part = this.#parts[0]!
    const byte = part[this.#offset++]!
    if (this.#offset === part.byteLength) {
      this.#parts.shift()
      this.#offset = 0
    }
    this.#bufferedBytes--
    return byte
  }

  /** Takes `bytes` bytes, which have arrived, in a buffer of exactly that size. */
  #take(bytes: number): Uint8Array {
    // Not from the pool of small Buffers: whoever takes a frame may keep it, or free it, without a thought for others.
    const taken = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer)
    this.#bufferedBytes -= bytes
    let filled = 0
    let used = 0
    while (filled < bytes) {
      const part = this.#parts[used]!
      const piece = part.subarray(this.#offset, this.#offset + bytes - filled)
      taken.set(piece, filled)
      filled += piece.byteLength
      this.#offset += piece.byteLength
      if (this.#offset === part.byteLength) {
        used++
        this.#offset = 0
      }
    }
    if (used > 0) this.#parts.splice(0, used)
    return taken
  }
}
