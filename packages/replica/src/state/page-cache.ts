import type { Page } from '@cairn/ledger'

/** Decoded pages take about this many times their bytes. */
const DECODED_FACTOR = 3

interface Cached {
  readonly page: Page
  readonly bytes: number
}

/** Decoded pages that were used last, by their hashes in hexadecimal; a page never changes under its hash. */
export class PageCache {
  readonly #bytesMax: number
  /** In the order of use: a Map keeps the order in which keys were set. */
  readonly #pages = new Map<string, Cached>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Memory that the pages take, about. */
  get bytes(): number {
    return this.#bytes
  }

  get(hash: string): Page | undefined {
    const cached = this.#pages.get(hash)
    if (cached === undefined) return undefined
    this.#pages.delete(hash)
    this.#pages.set(hash, cached)
    return cached.page
  }

  /** Keeps `page`, whose encoding is `pageBytes` long. */
  set(hash: string, page: Page, pageBytes: number): void {
    const bytes = pageBytes * DECODED_FACTOR
    this.delete(hash)
    this.#pages.set(hash, { page, bytes })
    this.#bytes += bytes
    for (const [oldest] of this.#pages) {
      if (this.#bytes <= this.#bytesMax) break
      this.delete(oldest)
    }
  }

  delete(hash: string): void {
    const cached = this.#pages.get(hash)
    if (cached === undefined) return
    this.#pages.delete(hash)
    this.#bytes -= cached.bytes
  }
}
