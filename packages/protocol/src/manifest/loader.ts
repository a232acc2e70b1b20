import type { CID } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { PAGE_BYTES_MAX } from '../limits.ts'
import { SnapshotAssembler } from './assembler.ts'
import { malformed } from './fields.ts'
import { type Page, isCutByContent, pageCounts } from './page.ts'
import { decodePage } from './page-codec.ts'
import { type ExpectedPage, PageWalk, keyOf } from './page-walk.ts'
import { encodeRoot } from './root-codec.ts'
import type { SnapshotIndex } from './snapshot-index.ts'
import type { ManifestRoot, PageCounts } from './types.ts'

/** Pages asked for at once: enough to keep several peers busy, and 16 MiB at most when all but the first arrive early. */
export const PAGES_WANTED_MAX = 256

/**
 * Reads the pages of one manifest: says which to fetch, checks them as they arrive, and ends in a {@link SnapshotIndex}.
 *
 * Pages may arrive in any order within what {@link wanted} lists; they are read in the order of the manifest, and early ones
 * wait. Everything a reader relies on is checked: totals of every subtree, order and tree of the entries, chunk lengths,
 * cuts of the pages, and at the end the root's totals and chunk root. One content has one page tree, and no other loads.
 *
 * A fault here is the publisher's: pages are named by their hash, so no peer can cause one. A loader that threw is of no more use.
 */
export class ManifestLoader {
  readonly #cid: CID
  readonly #walk: PageWalk
  readonly #assembler: SnapshotAssembler
  /** Pages that arrived before their turn, by key; never more than {@link PAGES_WANTED_MAX}. */
  readonly #early = new Map<string, Uint8Array>()
  /** Blocks read so far, by key, the root first. */
  readonly #pages: Map<string, CID>
  #index: SnapshotIndex | undefined

  /**
   * `rootCid` must be the CID of `root`'s encoding. A manifest without entries is done at once.
   *
   * @throws {ProtocolError} `MISMATCH`
   */
  constructor(root: ManifestRoot, rootCid: CID) {
    const { cid } = encodeRoot(root)
    if (cid.toString() !== rootCid.toString()) {
      throw new ProtocolError({ code: 'MISMATCH', what: 'manifest root', found: cid.toString(), wanted: rootCid.toString() })
    }
    this.#cid = rootCid
    this.#walk = new PageWalk(root.sections)
    this.#assembler = new SnapshotAssembler(root)
    this.#pages = new Map([[keyOf(rootCid), rootCid]])
    this.#readOn()
  }

  get done(): boolean {
    return this.#index !== undefined
  }

  /** Pages to fetch now, the most urgent first, at most {@link PAGES_WANTED_MAX}. Empty only when done. */
  wanted(): readonly CID[] {
    const wanted = new Map<string, CID>()
    for (const { key, cid } of this.#walk.upcoming(PAGES_WANTED_MAX)) if (!this.#early.has(key)) wanted.set(key, cid)
    return [...wanted.values()]
  }

  /**
   * Takes the page `cid`; the caller has checked that `bytes` match it. A page that is not wanted (any more) is ignored,
   * and now and then one that came early is wanted again.
   * `bytes` may be kept until {@link done}; callers do not write to them.
   *
   * @throws {ProtocolError} when the manifest breaks a rule
   */
  add(cid: CID, bytes: Uint8Array): void {
    const key = keyOf(cid)
    if (!this.#dueSoon().has(key)) return
    if (bytes.byteLength > PAGE_BYTES_MAX) {
      throw new ProtocolError({ code: 'TOO_LARGE', what: 'manifest page', value: bytes.byteLength, max: PAGE_BYTES_MAX })
    }
    this.#early.set(key, bytes)
    this.#readOn()
  }

  /** What was loaded. Call it when {@link done}. */
  index(): SnapshotIndex {
    if (this.#index === undefined) throw new Error('the manifest is not loaded yet')
    return this.#index
  }

  #readOn(): void {
    for (let front = this.#walk.front; front !== undefined; front = this.#walk.front) {
      const bytes = this.#early.get(front.key)
      if (bytes === undefined) return
      this.#read(front, decodePage(bytes))
      this.#forget()
    }
    this.#early.clear()
    this.#index = this.#assembler.finish(this.#cid, [...this.#pages.values()])
  }

  #read(expected: ExpectedPage, page: Page): void {
    assertAsExpected(expected, page)
    this.#pages.set(expected.key, expected.cid)
    if (page.type === 'leaf') this.#assembler.addPage(expected.stage, page)
    this.#walk.advance(page)
  }

  /**
   * Keeps of the early pages those that are due soon. One that was read may be: a long run of one chunk repeats whole pages.
   * One that was not may no longer be, when an index page put its children in front; it is asked for again in its turn.
   */
  #forget(): void {
    const due = this.#dueSoon()
    for (const key of this.#early.keys()) if (!due.has(key)) this.#early.delete(key)
  }

  #dueSoon(): ReadonlySet<string> {
    return new Set(this.#walk.upcoming(PAGES_WANTED_MAX).map(({ key }) => key))
  }
}

/** The page is what its parent said. Bounds all that is read from it by the totals that the root was signed with. */
function assertAsExpected({ level, counts, isLast, cid }: ExpectedPage, page: Page): void {
  const what = `manifest page ${cid.toString()}`
  if (level !== undefined && page.level !== level) throw malformed(what, `level ${page.level} where ${level} belongs`)
  if (level === undefined && page.type === 'index' && page.children.length === 1) throw malformed(what, 'a top page with one child')
  assertCounts(what, pageCounts(page), counts)
  if (!isCutByContent(page, isLast)) throw malformed(what, 'does not end where its content says')
}

function assertCounts(what: string, found: PageCounts, wanted: PageCounts): void {
  for (const key of ['entries', 'chunks', 'bytes'] as const) {
    if (found[key] !== wanted[key]) {
      throw new ProtocolError({ code: 'MISMATCH', what: `${key} of ${what}`, found: `${found[key]}`, wanted: `${wanted[key]}` })
    }
  }
}
