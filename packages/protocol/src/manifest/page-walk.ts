import { type CID, cidDigest } from '../cid.ts'
import type { IndexPage, Page, PageRef } from './page.ts'
import type { PageCounts, SectionSummary, StageClass } from './types.ts'

/** A page the manifest promises, and all that is known of it before it is read. */
export interface ExpectedPage {
  readonly cid: CID
  /** Its digest in hex, to look it up by. */
  readonly key: string
  readonly stage: StageClass
  readonly counts: PageCounts
  /** `undefined` for the top page of a section: that one says itself how high its tree is. */
  readonly level: number | undefined
  /** Whether no page of its level and section comes after it. */
  readonly isLast: boolean
}

/** The pages beside each other below one page. */
interface Frame {
  readonly pages: readonly ExpectedPage[]
  next: number
}

/**
 * The order in which pages are read: depth first, left to right, sections in order; that is the order of entries.
 * Holds the siblings to the right of one path only, whatever the size of the manifest.
 */
export class PageWalk {
  /** Sections first, then one frame per level entered. */
  readonly #frames: Frame[]

  constructor(sections: readonly SectionSummary[]) {
    const pages = sections.flatMap(({ stage, pages: cid, entries, chunks, bytes }): readonly ExpectedPage[] =>
      cid === undefined ? [] : [{ cid, key: keyOf(cid), stage, counts: { entries, chunks, bytes }, level: undefined, isLast: true }],
    )
    this.#frames = [{ pages, next: 0 }]
  }

  /** The page to read now; `undefined` at the end. */
  get front(): ExpectedPage | undefined {
    const frame = this.#frames.at(-1)
    return frame?.pages[frame.next]
  }

  /** The next pages in reading order, `count` at most, as far as they are known. */
  upcoming(count: number): readonly ExpectedPage[] {
    const pages: ExpectedPage[] = []
    for (const frame of this.#frames.toReversed()) {
      if (pages.length === count) break
      pages.push(...frame.pages.slice(frame.next, frame.next + count - pages.length))
    }
    return pages
  }

  /** Leaves the front page behind, for its children if it has any. */
  advance(page: Page): void {
    const frame = this.#frames.at(-1)
    const parent = this.front
    if (frame === undefined || parent === undefined) return
    frame.next++
    if (page.type === 'index') this.#frames.push({ pages: page.children.map((child, i) => expectedChild(parent, page, child, i)), next: 0 })
    // Finished frames are left at once, so that the last one always holds the front.
    while (this.#frames.length > 0 && this.front === undefined) this.#frames.pop()
  }
}

function expectedChild(parent: ExpectedPage, page: IndexPage, { cid, ...counts }: PageRef, i: number): ExpectedPage {
  const isLast = parent.isLast && i === page.children.length - 1
  return { cid, key: keyOf(cid), stage: parent.stage, counts, level: page.level - 1, isLast }
}

/** What {@link ExpectedPage} calls `key`. */
export function keyOf(cid: CID): string {
  return Buffer.from(cidDigest(cid)).toString('hex')
}
