import { type CID, cidDigest, sha256 } from '../cid.ts'
import { CHUNK_ITEM_BYTES, chunkRefs, type ChunkItems } from './chunk-items.ts'
import { PageCut } from './page-cut.ts'
import type { DirectoryEntry, FileHeader, PageCounts, SymlinkEntry } from './types.ts'

/** A file with those of its chunks that stand in the same page; the rest follows in `continuation` records. */
export interface FileRecord extends FileHeader {
  readonly items: ChunkItems
}

/** More chunks of the file that the page before ends in. Only ever the first record of a page. */
export interface ContinuationRecord {
  readonly type: 'continuation'
  readonly items: ChunkItems
}

export type LeafRecord = DirectoryEntry | SymlinkEntry | FileRecord | ContinuationRecord

export interface LeafPage {
  readonly type: 'leaf'
  readonly level: 0
  readonly records: readonly LeafRecord[]
}

/** A page as its parent lists it. */
export interface PageRef extends PageCounts {
  readonly cid: CID
}

/** `level` is the height above the leaf pages; children are all of level `level - 1`. */
export interface IndexPage {
  readonly type: 'index'
  readonly level: number
  readonly children: readonly PageRef[]
}

export type Page = LeafPage | IndexPage

/** What lies below `page`. */
export function pageCounts(page: Page): PageCounts {
  let entries = 0
  let chunks = 0
  let bytes = 0
  if (page.type === 'index') {
    for (const child of page.children) {
      entries += child.entries
      chunks += child.chunks
      bytes += child.bytes
    }
    return { entries, chunks, bytes }
  }
  for (const record of page.records) {
    if (record.type !== 'continuation') entries++
    if (record.type !== 'file' && record.type !== 'continuation') continue
    chunks += record.items.byteLength / CHUNK_ITEM_BYTES
    for (const ref of chunkRefs(record.items)) bytes += ref.bytes
  }
  return { entries, chunks, bytes }
}

/**
 * What {@link PageCut} counts. An item is a child of an index page, a directory, a link, a file with its first chunk
 * (so that a small file is never split), or another chunk of a file.
 */
export interface CutItem {
  readonly bytes: number
  readonly hash: Uint8Array
}

/** CBOR around a path: list, kind and path headers, mode, file length and chunk run header, at their longest. */
const ENTRY_OVERHEAD_BYTES = 20
/** List header, tagged link of 41 bytes and three integers of 9 bytes. */
const CHILD_BYTES = 69

/** An entry is cut by its path alone, so new content or permissions move no page boundary. `target`: of a link. */
export function entryCutItem(path: Uint8Array, target: Uint8Array | undefined, hasChunk: boolean): CutItem {
  const bytes = ENTRY_OVERHEAD_BYTES + path.byteLength + (target?.byteLength ?? 0) + (hasChunk ? CHUNK_ITEM_BYTES : 0)
  return { bytes, hash: sha256(path) }
}

export function chunkCutItem(digest: Uint8Array): CutItem {
  return { bytes: CHUNK_ITEM_BYTES, hash: digest }
}

export function childCutItem(cid: CID): CutItem {
  return { bytes: CHILD_BYTES, hash: cidDigest(cid) }
}

/** Whether `page` ends where the cut rule says; the last page of its level (`isLast`) may end early. */
export function isCutByContent(page: Page, isLast: boolean): boolean {
  const cut = new PageCut()
  let ended = false
  for (const item of cutItems(page)) {
    if (ended) return false
    ended = cut.endsAfter(item.bytes, item.hash)
  }
  return ended || isLast
}

function* cutItems(page: Page): Generator<CutItem> {
  if (page.type === 'index') {
    for (const child of page.children) yield childCutItem(child.cid)
    return
  }
  for (const record of page.records) {
    if (record.type !== 'continuation') {
      const target = record.type === 'symlink' ? Buffer.from(record.target) : undefined
      yield entryCutItem(Buffer.from(record.path), target, record.type === 'file' && record.items.byteLength > 0)
    }
    if (record.type !== 'file' && record.type !== 'continuation') continue
    let isFirst = record.type === 'file'
    for (const ref of chunkRefs(record.items)) {
      if (!isFirst) yield chunkCutItem(ref.digest)
      isFirst = false
    }
  }
}
