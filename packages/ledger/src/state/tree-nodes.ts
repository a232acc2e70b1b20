import { compareKeys, countBefore, countBelow, partingPlace } from './keys.ts'
import { PAGE_WEIGHT_MAX } from './limits.ts'
import { encodePage, type Entry, entryWeight, type Page, pageHash, type PageRef, refWeight, type WrittenPage } from './page.ts'
import type { PageSource } from './page-source.ts'

/**
 * The tree while it is being changed.
 *
 * Keys form a binary trie: a branch parts its keys at the first place where they differ. Pages are cut from it by two rules, which look at
 * nothing but what is below, so that one content has one tree, whatever came first:
 *
 * - **leaf**: the entries below a branch are one page if they fit; an entry that does not fit is a page of its own.
 * - **index**: a branch holds the references of both its sides, as long as they fit in one page. If they do not, the heavier side (the lower
 *   one if they are equal) becomes a page and is one reference in its stead; and if that does not suffice, the other one too.
 *
 * Where pages end follows from which keys part where, and not from hashes of content: nobody can choose keys whose pages have no ends,
 * which would make each later insertion rewrite all of them.
 */
export type TreeNode = LeafNode | InnerNode

type InnerNode = BranchNode | RefsNode | ClosedNode

/** Entries that fit in one page, or one entry. */
export interface LeafNode {
  readonly type: 'leaf'
  readonly entries: readonly Entry[]
  readonly bytes: number
}

/** Entries that do not. `weight` is that of the references that its page would hold. */
export interface BranchNode {
  readonly type: 'branch'
  /** The first key below. */
  readonly key: Uint8Array
  readonly low: InnerNode
  readonly high: InnerNode
  readonly bytes: number
  readonly weight: number
}

/** A branch of a stored page that nothing has touched, by its references, of which there are two at least. */
export interface RefsNode {
  readonly type: 'refs'
  readonly refs: readonly PageRef[]
  readonly bytes: number
  readonly weight: number
}

/** A page that need not be looked into. */
export interface ClosedNode {
  readonly type: 'closed'
  readonly ref: PageRef
}

/** Joins nodes into pages, and keeps book of what was written and what was replaced. */
export class TreePages {
  readonly #source: PageSource
  readonly #written = new Map<string, WrittenPage>()
  readonly #opened = new Map<string, Uint8Array>()

  constructor(source: PageSource) {
    this.#source = source
  }

  /** Pages of the new tree that the old one did not have, and the other way round. */
  changes(): { readonly written: readonly WrittenPage[]; readonly dropped: readonly Uint8Array[] } {
    return {
      written: [...this.#written].filter(([hash]) => !this.#opened.has(hash)).map(([, page]) => page),
      dropped: [...this.#opened].filter(([hash]) => !this.#written.has(hash)).map(([, hash]) => hash),
    }
  }

  /** What the page is made of, as nodes. */
  open({ ref }: ClosedNode): LeafNode | RefsNode {
    const page = this.#source.page(ref.hash)
    this.#opened.set(hexOf(ref.hash), ref.hash)
    if (page.kind === 'leaf') return { type: 'leaf', entries: page.items, bytes: ref.bytes }
    return { type: 'refs', refs: page.items, bytes: ref.bytes, weight: ref.weight }
  }

  /** The node over sorted `entries`, `undefined` over none. */
  build(entries: readonly Entry[]): TreeNode | undefined {
    if (entries.length === 0) return undefined
    const bytes = entries.reduce((sum, entry) => sum + entryWeight(entry), 0)
    const [first, last] = [entries[0], entries.at(-1)]
    if (first === undefined || last === undefined || entries.length === 1 || bytes <= PAGE_WEIGHT_MAX) {
      return { type: 'leaf', entries, bytes }
    }
    const below = countBelow(entries, partingPlace(first.key, last.key))
    return this.join(this.build(entries.slice(0, below)), this.build(entries.slice(below)))
  }

  /** The node over both sides of a place where keys part. */
  join(low: TreeNode | undefined, high: TreeNode | undefined): TreeNode | undefined {
    if (low === undefined || high === undefined) return low ?? high
    const bytes = bytesOf(low) + bytesOf(high)
    if (bytes <= PAGE_WEIGHT_MAX) return { type: 'leaf', entries: [...this.#entriesOf(low), ...this.#entriesOf(high)], bytes }
    let [a, b] = [this.#withoutLeaf(low), this.#withoutLeaf(high)]
    let [weightA, weightB] = [openWeight(a), openWeight(b)]
    let [openA, openB] = [true, true]
    if (weightA + weightB > PAGE_WEIGHT_MAX && weightA >= weightB) [openA, weightA] = [false, closedWeight(a)]
    else if (weightA + weightB > PAGE_WEIGHT_MAX) [openB, weightB] = [false, closedWeight(b)]
    if (weightA + weightB > PAGE_WEIGHT_MAX) {
      if (openA) [openA, weightA] = [false, closedWeight(a)]
      else [openB, weightB] = [false, closedWeight(b)]
    }
    a = openA ? this.#openIndex(a) : this.close(a)
    b = openB ? this.#openIndex(b) : this.close(b)
    return { type: 'branch', key: firstKey(a), low: a, high: b, bytes, weight: weightA + weightB }
  }

  /** The node as a page of its own. */
  close(node: TreeNode): ClosedNode {
    switch (node.type) {
      case 'closed':
        return node
      case 'leaf':
        return this.#write(
          { kind: 'leaf', items: node.entries },
          {
            key: firstKey(node),
            kind: 'leaf',
            entries: node.entries.length,
            bytes: node.bytes,
            weight: node.bytes,
          },
        )
      case 'branch':
      case 'refs': {
        const refs = refsOf(node)
        return this.#write(
          { kind: 'index', items: refs },
          {
            key: firstKey(node),
            kind: 'index',
            entries: refs.reduce((sum, { entries }) => sum + entries, 0),
            bytes: node.bytes,
            weight: node.weight,
          },
        )
      }
      default:
        return node satisfies never
    }
  }

  #write(page: Page, ref: Omit<PageRef, 'hash'>): ClosedNode {
    const bytes = encodePage(page)
    const hash = pageHash(bytes)
    this.#written.set(hexOf(hash), { hash, bytes, page })
    return { type: 'closed', ref: { ...ref, hash } }
  }

  /** A page of entries is always a reference in its branch. */
  #withoutLeaf(node: TreeNode): InnerNode {
    return node.type === 'leaf' ? this.close(node) : node
  }

  #openIndex(node: InnerNode): InnerNode {
    if (node.type !== 'closed' || node.ref.kind === 'leaf') return node
    const opened = this.open(node)
    return opened.type === 'leaf' ? node : opened
  }

  #entriesOf(node: TreeNode): readonly Entry[] {
    const leaf = node.type === 'closed' ? this.open(node) : node
    // Two sides that fit in a page together are leaves: what does not fit in one is a branch.
    if (leaf.type !== 'leaf') throw new RangeError('a branch that fits in a page')
    return leaf.entries
  }
}

/** The first key below a node. */
export function firstKey(node: TreeNode): Uint8Array {
  switch (node.type) {
    case 'leaf':
      return node.entries[0]?.key ?? NO_KEY
    case 'refs':
      return node.refs[0]?.key ?? NO_KEY
    case 'closed':
      return node.ref.key
    case 'branch':
      return node.key
    default:
      return node satisfies never
  }
}

/** The place at which a branch parts its keys. */
export function partingOf({ key, high }: BranchNode): number {
  return partingPlace(key, firstKey(high))
}

/** Both sides of a branch of a stored page. */
export function expand({ refs, bytes, weight }: RefsNode): BranchNode {
  const [first, last] = [refs[0], refs.at(-1)]
  if (first === undefined || last === undefined) throw new RangeError('a branch without references')
  const below = countBelow(refs, partingPlace(first.key, last.key))
  return { type: 'branch', key: first.key, low: nodeOf(refs.slice(0, below)), high: nodeOf(refs.slice(below)), bytes, weight }
}

/** The entries after `changes`: sorted, one for each key, a value or `undefined` for none. */
export function mergeEntries(entries: readonly Entry[], changes: readonly Change[]): readonly Entry[] {
  const merged: Entry[] = []
  let at = 0
  for (const { key, value } of changes) {
    const before = countBefore(entries, key, at)
    while (at < before) pushFrom(entries, at++, merged)
    const same = entries[at]
    if (same !== undefined && compareKeys(same.key, key) === 0) at++
    if (value !== undefined) merged.push({ key, value })
  }
  while (at < entries.length) pushFrom(entries, at++, merged)
  return merged
}

function pushFrom(entries: readonly Entry[], at: number, merged: Entry[]): void {
  const entry = entries[at]
  if (entry !== undefined) merged.push(entry)
}

/** A key and its new value, `undefined` to delete it. */
export interface Change {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

const NO_KEY = new Uint8Array(0)

function nodeOf(refs: readonly PageRef[]): InnerNode {
  const [first] = refs
  if (first !== undefined && refs.length === 1) return { type: 'closed', ref: first }
  let [bytes, weight] = [0, 0]
  for (const ref of refs) {
    bytes += ref.bytes
    weight += refWeight(ref.key)
  }
  return { type: 'refs', refs, bytes, weight }
}

function refsOf(node: InnerNode, refs: PageRef[] = []): readonly PageRef[] {
  if (node.type === 'closed') refs.push(node.ref)
  else if (node.type === 'refs') refs.push(...node.refs)
  else {
    refsOf(node.low, refs)
    refsOf(node.high, refs)
  }
  return refs
}

function bytesOf(node: TreeNode): number {
  return node.type === 'closed' ? node.ref.bytes : node.bytes
}

/** What the side adds to its branch's page if it stays open. */
function openWeight(node: InnerNode): number {
  if (node.type !== 'closed') return node.weight
  return node.ref.kind === 'index' ? node.ref.weight : refWeight(node.ref.key)
}

function closedWeight(node: InnerNode): number {
  return refWeight(firstKey(node))
}

function hexOf(hash: Uint8Array): string {
  return Buffer.from(hash).toString('hex')
}
