/** The unsigned 32-bit integer at `at`, big-endian. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** A growing list of unsigned 32-bit integers, 4 to 8 bytes each; grows with what is pushed, never with what was promised. */
export class Uint32List {
  #values = new Uint32Array(1024)
  #length = 0

  get length(): number {
    return this.#length
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const grown = new Uint32Array(this.#length * 2)
      grown.set(this.#values)
      this.#values = grown
    }
    this.#values[this.#length++] = value
  }

  /** What was pushed, in an array of just that length. */
  toArray(): Uint32Array {
    return this.#values.slice(0, this.#length)
  }
}
