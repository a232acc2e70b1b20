import { LedgerError } from '../errors.ts'
import { EMPTY_PAGE, encodePage, type Page, pageHash, type WrittenPage } from './page.ts'

/** Where the pages of a state are read from. Implementations keep decoded pages at hand; a page never changes under its hash. */
export interface PageSource {
  /**
   * The page named `hash`, already checked against it.
   *
   * @throws {LedgerError} `PAGE_MISSING`
   */
  page(hash: Uint8Array): Page
}

/** Pages in memory: what tests, simulators and checkers of a few pages use. */
export class MemoryPages implements PageSource {
  readonly #pages = new Map<string, Page>()

  constructor() {
    const bytes = encodePage(EMPTY_PAGE)
    this.add({ hash: pageHash(bytes), bytes, page: EMPTY_PAGE })
  }

  get size(): number {
    return this.#pages.size
  }

  /** Adds a page that an update wrote. */
  add({ hash, page }: WrittenPage): void {
    this.#pages.set(hex(hash), page)
  }

  delete(hash: Uint8Array): void {
    this.#pages.delete(hex(hash))
  }

  page(hash: Uint8Array): Page {
    const page = this.#pages.get(hex(hash))
    if (page === undefined) throw pageMissing(hash)
    return page
  }
}

export function pageMissing(hash: Uint8Array): LedgerError {
  return new LedgerError({ code: 'PAGE_MISSING', page: hex(hash) })
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
