import { compareKeys, countBefore, countBelow, partingPlace } from './keys.ts'
import { decodePage, EMPTY_PAGE, encodePage, type Entry, type Page, pageHash, type PageRef, type WrittenPage } from './page.ts'
import type { PageSource } from './page-source.ts'
import { type Change, expand, firstKey, mergeEntries, partingOf, type TreeNode, TreePages } from './tree-nodes.ts'

/** A tree by its root page. Its hash is the state root. */
export type TreeRoot = PageRef

/** The tree without entries. */
export const EMPTY_TREE: TreeRoot = {
  key: new Uint8Array(0),
  hash: pageHash(encodePage(EMPTY_PAGE)),
  kind: 'leaf',
  entries: 0,
  bytes: 0,
  weight: 0,
}

/** What an update did. The old tree stays readable for as long as its pages are kept. */
export interface TreeUpdate {
  readonly root: TreeRoot
  /** Pages that the old tree did not have. */
  readonly written: readonly WrittenPage[]
  /** Hashes of pages that only the old tree had. */
  readonly dropped: readonly Uint8Array[]
}

/**
 * The tree after `changes`, which are sorted by key, one for each key.
 * Costs one page read and written for each page that holds a changed entry, and those above it.
 *
 * @throws {LedgerError} `PAGE_MISSING`
 */
export function updateTree(source: PageSource, root: TreeRoot, changes: readonly Change[]): TreeUpdate {
  if (changes.length === 0) return { root, written: [], dropped: [] }
  const pages = new TreePages(source)
  const node = changed(pages, { type: 'closed', ref: root }, changes)
  const next = node === undefined ? EMPTY_TREE : pages.close(node).ref
  const { written, dropped } = pages.changes()
  const empty = node === undefined && root.entries > 0 ? [{ hash: EMPTY_TREE.hash, bytes: encodePage(EMPTY_PAGE), page: EMPTY_PAGE }] : []
  return { root: next, written: [...written, ...empty], dropped: node === undefined && root.entries === 0 ? [] : dropped }
}

/** The value of `key`, or `undefined`. @throws {LedgerError} `PAGE_MISSING` */
export function readTree(source: PageSource, root: TreeRoot, key: Uint8Array): Uint8Array | undefined {
  let page = source.page(root.hash)
  while (page.kind === 'index') {
    const ref = childOf(page, key)
    if (ref === undefined) return undefined
    page = source.page(ref.hash)
  }
  const found = page.items[countBefore(page.items, key)]
  return found !== undefined && compareKeys(found.key, key) === 0 ? found.value : undefined
}

/** Entries from `start` (inclusive) to `end` (exclusive) in order of their keys; without `end`, to the last. */
export function* scanTree(source: PageSource, root: TreeRoot, start: Uint8Array, end?: Uint8Array): Generator<Entry> {
  const page = source.page(root.hash)
  if (page.kind === 'leaf') {
    for (const entry of page.items) {
      if (end !== undefined && compareKeys(entry.key, end) >= 0) return
      if (compareKeys(entry.key, start) >= 0) yield entry
    }
    return
  }
  for (const [index, ref] of page.items.entries()) {
    if (end !== undefined && compareKeys(ref.key, end) >= 0) return
    const next = page.items[index + 1]
    if (next === undefined || compareKeys(next.key, start) > 0) yield* scanTree(source, ref, start, end)
  }
}

/** The page of an index that holds `key` if any does. */
export function childOf(page: Page & { readonly kind: 'index' }, key: Uint8Array): PageRef | undefined {
  let low = 0
  let high = page.items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const ref = page.items[middle]
    if (ref !== undefined && compareKeys(ref.key, key) <= 0) low = middle + 1
    else high = middle
  }
  return page.items[low - 1]
}

/**
 * The root of the tree whose root page has these bytes, as a state root alone does not say what is below it.
 *
 * @throws {LedgerError} as {@link decodePage}
 */
export function rootOf(bytes: Uint8Array): TreeRoot {
  const page = decodePage(bytes)
  const weight = bytes.byteLength - encodePage(EMPTY_PAGE).byteLength
  const below: readonly { readonly entries: number; readonly bytes: number }[] =
    page.kind === 'leaf' ? [{ entries: page.items.length, bytes: weight }] : page.items
  return {
    key: page.items[0]?.key ?? new Uint8Array(0),
    hash: pageHash(bytes),
    kind: page.kind,
    entries: below.reduce((sum, { entries }) => sum + entries, 0),
    bytes: below.reduce((sum, { bytes }) => sum + bytes, 0),
    weight,
  }
}

function changed(pages: TreePages, node: TreeNode, changes: readonly Change[]): TreeNode | undefined {
  const [first, last] = [changes[0], changes.at(-1)]
  if (first === undefined || last === undefined) return node
  if (node.type === 'closed') return changed(pages, pages.open(node), changes)
  if (node.type === 'refs') return changed(pages, expand(node), changes)
  if (node.type === 'leaf') return pages.build(mergeEntries(node.entries, changes))
  const own = firstKey(node)
  const place = Math.min(partingPlace(first.key, last.key), partingPlace(own, first.key))
  const parting = partingOf(node)
  if (place >= parting) {
    const below = countBelow(changes, parting)
    return pages.join(changed(pages, node.low, changes.slice(0, below)), changed(pages, node.high, changes.slice(below)))
  }
  // Some changed keys part from all that is here: they are a side of their own.
  const below = countBelow(changes, place)
  const [low, high] = [changes.slice(0, below), changes.slice(below)]
  return countBelow([{ key: own }], place) === 1
    ? pages.join(changed(pages, node, low), pages.build(mergeEntries([], high)))
    : pages.join(pages.build(mergeEntries([], low)), changed(pages, node, high))
}
