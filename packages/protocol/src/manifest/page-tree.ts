import { type CID, pageCid } from '../cid.ts'
import { LeafWriter } from './leaf-writer.ts'
import { type Page, type PageRef, childCutItem, pageCounts } from './page.ts'
import { encodePage } from './page-codec.ts'
import { PageCut } from './page-cut.ts'
import type { ChunkRef, EntryHeader } from './types.ts'

/** Where finished pages go. The same page may come twice: a long run of one chunk repeats whole pages. */
export type EmitPage = (cid: CID, bytes: Uint8Array) => void

/** Pages of one level on their way into index pages of the level above. */
interface Level {
  readonly cut: PageCut
  children: PageRef[]
  pagesCount: number
}

/** The page tree of one section, written from left to right. Holds one unfinished page per level. */
export class PageTree {
  readonly #emit: EmitPage
  readonly #leaves = new LeafWriter((page) => this.#add(page))
  readonly #levels: Level[] = []

  constructor(emit: EmitPage) {
    this.#emit = emit
  }

  addEntry(entry: EntryHeader): void {
    this.#leaves.addEntry(entry)
  }

  addChunk(ref: ChunkRef): void {
    this.#leaves.addChunk(ref)
  }

  /** The top page: the only one of its level. `undefined` if nothing was added. */
  finish(): PageRef | undefined {
    this.#leaves.finish()
    // Closing a level adds to the next one, so the list grows under the loop.
    for (let i = 0; i < this.#levels.length; i++) {
      const level = this.#levels[i]!
      if (level.pagesCount === 1) return level.children[0]
      if (level.children.length > 0) this.#close(i, level)
    }
    return undefined
  }

  #add(page: Page): void {
    const bytes = encodePage(page)
    const cid = pageCid(bytes)
    this.#emit(cid, bytes)
    const level = (this.#levels[page.level] ??= { cut: new PageCut(), children: [], pagesCount: 0 })
    level.pagesCount++
    level.children.push({ cid, ...pageCounts(page) })
    const item = childCutItem(cid)
    if (level.cut.endsAfter(item.bytes, item.hash)) this.#close(page.level, level)
  }

  #close(index: number, level: Level): void {
    const children = level.children
    level.children = []
    this.#add({ type: 'index', level: index + 1, children })
  }
}
