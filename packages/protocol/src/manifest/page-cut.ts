import { readUint32 } from './uint32.ts'

/**
 * Where pages end.
 *
 * A page ends after an item when it holds at least PAGE_CUT_BYTES_MIN and the item's own content says so, with a probability
 * of `item bytes / PAGE_CUT_BYTES_MEAN`; and in any case at PAGE_CUT_BYTES_MAX. So:
 * - an inserted or changed item moves cuts only until the next cut both versions agree on, usually the next one;
 * - pages are 24 KiB on average, 5 % of them (e^-3) end at the forced bound;
 * - the rule looks at nothing outside the page, so a reader can check it.
 */
const PAGE_CUT_BYTES_MIN = 12 * 1024
const PAGE_CUT_BYTES_MEAN = 12 * 1024
/** Plus the largest item (path and target of 4095 bytes) this stays below the 64 KiB of a page. */
const PAGE_CUT_BYTES_MAX = 48 * 1024

/** A page being filled or checked. */
export class PageCut {
  #bytes = 0

  /**
   * Adds an item of `itemBytes` whose content hashes to the digest `hash`; whether the page ends after it.
   * The answer depends on the items of this page only.
   */
  endsAfter(itemBytes: number, hash: Uint8Array): boolean {
    this.#bytes += itemBytes
    const ends =
      this.#bytes >= PAGE_CUT_BYTES_MAX ||
      (this.#bytes >= PAGE_CUT_BYTES_MIN && readUint32(hash, 0) * PAGE_CUT_BYTES_MEAN < itemBytes * 2 ** 32)
    if (ends) this.#bytes = 0
    return ends
  }
}
