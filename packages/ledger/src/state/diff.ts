import { compareKeys } from './keys.ts'
import type { PageRef } from './page.ts'
import type { PageSource } from './page-source.ts'
import type { TreeRoot } from './tree.ts'

/** A page that one of two trees has and the other has not. */
export interface PageDifference {
  readonly type: 'added' | 'removed'
  readonly ref: PageRef
}

/**
 * What turns the pages of `from` into those of `to`, in the order of keys; an index page comes before what is below it.
 * Reads only pages in which they differ.
 *
 * @throws {LedgerError} `PAGE_MISSING`
 */
export function* diffTrees(source: PageSource, from: TreeRoot, to: TreeRoot): Generator<PageDifference> {
  const [old, next] = [new PageWalk(source, from), new PageWalk(source, to)]
  for (;;) {
    const order = compareRefs(old.ref, next.ref)
    if (order === undefined) return
    if (order === 0 && old.ref !== undefined && next.ref !== undefined && Buffer.compare(old.ref.hash, next.ref.hash) === 0) {
      old.skip()
      next.skip()
      continue
    }
    if (order <= 0 && old.ref !== undefined) yield { type: 'removed', ref: old.ref }
    if (order >= 0 && next.ref !== undefined) yield { type: 'added', ref: next.ref }
    if (order <= 0) old.enter()
    if (order >= 0) next.enter()
  }
}

/** Pages of a tree, each before those below it: by first key, and of those that share it the larger first. */
class PageWalk {
  readonly #source: PageSource
  readonly #pending: PageRef[]

  constructor(source: PageSource, root: TreeRoot) {
    this.#source = source
    this.#pending = [root]
  }

  /** Where the walk is; `undefined` at its end. */
  get ref(): PageRef | undefined {
    return this.#pending.at(-1)
  }

  /** Leaves out what is below. */
  skip(): void {
    this.#pending.pop()
  }

  enter(): void {
    const ref = this.#pending.pop()
    if (ref?.kind !== 'index') return
    const page = this.#source.page(ref.hash)
    if (page.kind === 'index') this.#pending.push(...page.items.toReversed())
  }
}

/** The order of two walks: which page comes first, 0 if neither does, `undefined` at the end of both. */
function compareRefs(a: PageRef | undefined, b: PageRef | undefined): number | undefined {
  if (a === undefined || b === undefined) return a === b ? undefined : a === undefined ? 1 : -1
  return compareKeys(a.key, b.key) || b.bytes - a.bytes
}
