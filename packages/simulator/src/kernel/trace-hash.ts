/** A running hash over everything that happens in a run: two runs with the same value did the same. 64 bits, not for security. */
export class TraceHash {
  #low = 0x811c9dc5
  #high = 0x9e3779b9

  add(value: number): void {
    // Numbers beyond 32 bits go in as two halves.
    this.#mix(value | 0)
    if (value > 0xffffffff) this.#mix(Math.floor(value / 2 ** 32))
  }

  text(value: string): void {
    for (let at = 0; at < value.length; at++) this.#low = Math.imul(this.#low ^ value.charCodeAt(at), 0x01000193)
    this.#mix(value.length)
  }

  toString(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0')
  }

  #mix(value: number): void {
    this.#low = Math.imul(this.#low ^ value, 0x01000193)
    this.#high = Math.imul(((this.#high << 13) | (this.#high >>> 19)) ^ this.#low, 0x85ebca6b)
  }
}
