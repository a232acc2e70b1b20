import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { diffTrees } from '../../src/state/diff.ts'
import type { Page } from '../../src/state/page.ts'
import { MemoryPages, type PageSource } from '../../src/state/page-source.ts'
import { EMPTY_TREE, type TreeRoot, updateTree } from '../../src/state/tree.ts'
import { compareKeys } from '../../src/state/keys.ts'
import { hexOf } from './trees.ts'

const change = fc.record({
  key: fc
    .tuple(fc.constantFrom('', 'ab'.repeat(200)), fc.integer({ min: 0, max: 400 }))
    .map(([prefix, n]) => Buffer.from(prefix + n.toString(16).padStart(4, '0'), 'hex')),
  value: fc.option(
    fc.integer({ min: 0, max: 3000 }).map((bytes) => new Uint8Array(bytes).fill(bytes)),
    { nil: undefined },
  ),
})
const changes = fc
  .uniqueArray(change, { selector: ({ key }) => hexOf(key), maxLength: 150, size: 'max' })
  .map((list) => list.toSorted((a, b) => compareKeys(a.key, b.key)))

/** Counts what is read. */
class CountingPages implements PageSource {
  readonly #pages: MemoryPages
  reads = 0

  constructor(pages: MemoryPages) {
    this.#pages = pages
  }

  page(hash: Uint8Array): Page {
    this.reads++
    return this.#pages.page(hash)
  }
}

describe('the difference of two trees', () => {
  it('is what an update wrote and dropped, found by reading no page that both have', () => {
    fc.assert(
      fc.property(changes, changes, (first, second) => {
        const pages = new MemoryPages()
        const grow = (root: TreeRoot, changes: typeof first): ReturnType<typeof updateTree> => {
          const update = updateTree(pages, root, changes)
          for (const page of update.written) pages.add(page)
          return update
        }
        const before = grow(EMPTY_TREE, first).root
        const update = grow(before, second)
        const counting = new CountingPages(pages)
        const found = [...diffTrees(counting, before, update.root)]
        const hashes = (type: 'added' | 'removed'): string[] =>
          found
            .filter((each) => each.type === type)
            .map(({ ref }) => hexOf(ref.hash))
            .toSorted()
        assert.deepEqual(hashes('added'), update.written.map(({ hash }) => hexOf(hash)).toSorted())
        assert.deepEqual(hashes('removed'), update.dropped.map((hash) => hexOf(hash)).toSorted())
        assert.equal(counting.reads, found.filter(({ ref }) => ref.kind === 'index').length)
      }),
      { numRuns: 200 },
    )
  })
})
