import assert from 'node:assert/strict'
import type { DeltaBase } from '@cairn/protocol/chunk'
import { freeMemory } from '@cairn/runtime'
import { KEPT_BASES_BYTES_MAX } from '../limits.ts'

/** Old chunks in memory, by index: those beside each other are made from the same ones. */
export class KeptChunks {
  /** In order of last use. */
  readonly #chunks = new Map<number, DeltaBase>()
  #bytes = 0

  has(chunk: number): boolean {
    return this.#chunks.has(chunk)
  }

  add(chunk: number, base: DeltaBase): void {
    this.#chunks.set(chunk, base)
    this.#bytes += base.plain.byteLength
  }

  /** One that is here; it is the last that goes. */
  take(chunk: number): DeltaBase {
    const base = this.#chunks.get(chunk)
    assert(base !== undefined, `chunk ${chunk} is not kept`)
    this.#chunks.delete(chunk)
    this.#chunks.set(chunk, base)
    return base
  }

  /** Gives back what is beyond {@link KEPT_BASES_BYTES_MAX}, at once: it lies outside of the heap, and a collection may be far. */
  makeRoom(): void {
    for (const [oldest, { plain }] of this.#chunks) {
      if (this.#bytes <= KEPT_BASES_BYTES_MAX) return
      this.#chunks.delete(oldest)
      this.#bytes -= plain.byteLength
      freeMemory(plain)
    }
  }
}
