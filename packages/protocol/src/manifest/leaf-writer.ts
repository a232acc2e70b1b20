import { encodeChunkItem } from './chunk-items.ts'
import { type CutItem, type LeafPage, type LeafRecord, chunkCutItem, entryCutItem } from './page.ts'
import { PageCut } from './page-cut.ts'
import { encodePath, encodeTarget } from './paths.ts'
import type { ChunkRef, EntryHeader, FileHeader } from './types.ts'

/** Groups entries and chunks into leaf pages. Holds one page. The caller has checked the order of what it adds. */
export class LeafWriter {
  readonly #take: (page: LeafPage) => void
  readonly #cut = new PageCut()
  #records: LeafRecord[] = []
  /** Chunks of the file being written that go into this page. */
  #run: Uint8Array[] = []
  /** Its header; `undefined` once that has gone out with an earlier page. */
  #file: FileHeader | undefined

  constructor(take: (page: LeafPage) => void) {
    this.#take = take
  }

  addEntry(entry: EntryHeader): void {
    this.#closeRun()
    if (entry.type === 'file' && entry.bytes > 0) {
      // Waits for its first chunk: the two are one item.
      this.#file = entry
      return
    }
    this.#records.push(entry.type === 'file' ? { ...header(entry), items: new Uint8Array() } : entry)
    const target = entry.type === 'symlink' ? encodeTarget(entry.target) : undefined
    this.#endAfter(entryCutItem(encodePath(entry.path), target, false))
  }

  addChunk(ref: ChunkRef): void {
    const first = this.#run.length === 0 ? this.#file : undefined
    this.#run.push(encodeChunkItem(ref))
    this.#endAfter(first === undefined ? chunkCutItem(ref.digest) : entryCutItem(encodePath(first.path), undefined, true))
  }

  /** Hands out the last page, if there is one. */
  finish(): void {
    this.#closeRun()
    if (this.#records.length > 0) this.#flush()
  }

  #endAfter(item: CutItem): void {
    if (this.#cut.endsAfter(item.bytes, item.hash)) this.#flush()
  }

  #closeRun(): void {
    if (this.#run.length === 0) return
    const items = new Uint8Array(Buffer.concat(this.#run))
    this.#records.push(this.#file === undefined ? { type: 'continuation', items } : { ...header(this.#file), items })
    this.#run = []
    this.#file = undefined
  }

  #flush(): void {
    this.#closeRun()
    const records = this.#records
    this.#records = []
    this.#take({ type: 'leaf', level: 0, records })
  }
}

/** Without the chunk list that a caller's `FileEntry` carries along. */
function header({ type, path, mode, bytes }: FileHeader): FileHeader {
  return { type, path, mode, bytes }
}
