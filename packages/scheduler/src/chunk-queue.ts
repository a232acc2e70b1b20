/**
 * A binary min-heap of chunk indexes ordered by a numeric key.
 *
 * Keys may change and chunks may leave at any time: an entry is valid only while `keyOf(chunk)` still equals the key it was
 * pushed with, and invalid ones are dropped when they surface. `keyOf` returns `undefined` for a chunk that is not wanted.
 */
export class ChunkQueue {
  #keys: number[] = []
  #chunks: number[] = []
  readonly #keyOf: (chunk: number) => number | undefined

  constructor(keyOf: (chunk: number) => number | undefined) {
    this.#keyOf = keyOf
  }

  /** Entries held, stale ones included. */
  get size(): number {
    return this.#keys.length
  }

  push(chunk: number, key: number): void {
    let at = this.#keys.length
    this.#keys.push(key)
    this.#chunks.push(chunk)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.#keys[parent]! <= key) break
      this.#keys[at] = this.#keys[parent]!
      this.#chunks[at] = this.#chunks[parent]!
      at = parent
    }
    this.#keys[at] = key
    this.#chunks[at] = chunk
  }

  /** Removes and returns the valid chunk with the smallest key. */
  pop(): number | undefined {
    while (this.#keys.length > 0) {
      const key = this.#keys[0]!
      const chunk = this.#chunks[0]!
      this.#removeTop()
      if (this.#keyOf(chunk) === key) return chunk
    }
    return undefined
  }

  #removeTop(): void {
    const key = this.#keys.pop()!
    const chunk = this.#chunks.pop()!
    const length = this.#keys.length
    if (length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= length) break
      if (child + 1 < length && this.#keys[child + 1]! < this.#keys[child]!) child += 1
      if (this.#keys[child]! >= key) break
      this.#keys[at] = this.#keys[child]!
      this.#chunks[at] = this.#chunks[child]!
      at = child
    }
    this.#keys[at] = key
    this.#chunks[at] = chunk
  }
}
