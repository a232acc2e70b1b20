/**
 * Memory that two threads share: one writes frames into it in order, the other reads them, and they are freed in the same order.
 *
 * No frame is split: one that does not fit before the end starts at the beginning.
 */
export class FrameRing {
  readonly memory: SharedArrayBuffer
  readonly #bytes: Uint8Array
  /** Where each frame that is not freed ends, the oldest first. */
  readonly #ends: number[] = []
  /** Where the oldest begins, and the next would. */
  #head = 0
  #tail = 0

  constructor(bytes: number) {
    this.memory = new SharedArrayBuffer(bytes)
    this.#bytes = new Uint8Array(this.memory)
  }

  /** Copies a frame in, given as parts; its offset, or `undefined` while there is no room for it. */
  put(...parts: readonly Uint8Array[]): number | undefined {
    const offset = this.#room(parts.reduce((bytes, part) => bytes + part.byteLength, 0))
    if (offset === undefined) return undefined
    this.#tail = offset
    for (const part of parts) {
      this.#bytes.set(part, this.#tail)
      this.#tail += part.byteLength
    }
    this.#ends.push(this.#tail)
    return offset
  }

  /** Frees the oldest frame. */
  free(): void {
    const end = this.#ends.shift()
    if (end !== undefined) this.#head = end
    if (this.#ends.length === 0) this.#head = this.#tail = 0
  }

  #room(bytes: number): number | undefined {
    const size = this.#bytes.byteLength
    if (this.#ends.length === 0) return bytes <= size ? 0 : undefined
    if (this.#tail > this.#head) {
      if (this.#tail + bytes <= size) return this.#tail
      // One byte short of the head: equal ends would mean an empty ring.
      return bytes < this.#head ? 0 : undefined
    }
    return this.#tail + bytes < this.#head ? this.#tail : undefined
  }
}
