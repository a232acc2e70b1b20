import { decodePage, pageHash } from '@cairn/ledger'
import { PAGES_WANTED_MAX } from './limits.ts'

/** Where pages are looked for, and put when they came. */
export interface PageStore {
  /** The bytes of a page, checked against `hash`. */
  page(hash: Uint8Array): Uint8Array | undefined
  add(hash: Uint8Array, bytes: Uint8Array): void
}

/**
 * Finds the pages of a tree that are not here, from its root down, and takes those that came. A page is believed because of its hash, which the
 * page above it names, and at the top the certified state root.
 *
 * Holds the hashes of what is asked for, {@link PAGES_WANTED_MAX} at most, and of the brothers and children of what was looked at: depth first, so
 * that is as many index pages' worth of hashes as there are levels, and as were asked for at once.
 */
export class MissingPages {
  readonly #store: PageStore
  readonly #pending: Uint8Array[]
  /** By hash in hexadecimal, in the order of asking. */
  readonly #wanted = new Map<string, Uint8Array>()
  #lookedAt = 0
  #fetched = 0

  constructor(root: Uint8Array, store: PageStore) {
    this.#pending = [root]
    this.#store = store
  }

  /** Every page is in the store. */
  get isDone(): boolean {
    return this.#pending.length === 0 && this.#wanted.size === 0
  }

  /** What has to be asked for, by hash in hexadecimal, once {@link look} has nothing more to look at. */
  get wanted(): ReadonlyMap<string, Uint8Array> {
    return this.#wanted
  }

  /** Pages found here, and pages that came. */
  get counts(): { readonly found: number; readonly fetched: number } {
    return { found: this.#lookedAt, fetched: this.#fetched }
  }

  /** Looks for at most `pagesMax` pages; false if there is more to look for before asking. */
  look(pagesMax: number): boolean {
    for (let count = 0; count < pagesMax; count++) {
      if (this.#wanted.size >= PAGES_WANTED_MAX) return true
      const hash = this.#pending.pop()
      if (hash === undefined) return true
      const bytes = this.#store.page(hash)
      if (bytes === undefined) this.#wanted.set(nameOf(hash), hash)
      else {
        this.#lookedAt++
        this.#enter(bytes)
      }
    }
    return false
  }

  /**
   * Takes a page; false if it is none of those that were `asked` for, by name. One that has come meanwhile is not taken twice.
   *
   * @throws {LedgerError} if its hash is right and it is no page: the root lies
   */
  take(bytes: Uint8Array, asked: { has(name: string): boolean } = this.#wanted): boolean {
    const hash = pageHash(bytes)
    const name = nameOf(hash)
    if (!asked.has(name)) return false
    if (!this.#wanted.delete(name)) return true
    this.#store.add(hash, bytes)
    this.#fetched++
    this.#enter(bytes)
    return true
  }

  #enter(bytes: Uint8Array): void {
    const page = decodePage(bytes)
    if (page.kind === 'index') for (const { hash } of page.items) this.#pending.push(new Uint8Array(hash))
  }
}

function nameOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex')
}
