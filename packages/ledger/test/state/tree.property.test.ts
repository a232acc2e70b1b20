import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { PAGE_WEIGHT_MAX } from '../../src/state/limits.ts'
import { readTree, rootOf, type TreeRoot } from '../../src/state/tree.ts'
import type { PageSource } from '../../src/state/page-source.ts'
import { encodePage } from '../../src/state/page.ts'
import { hexOf, keyOf, TestTree } from './trees.ts'

// Keys that share prefixes, are prefixes of each other, and differ late; values from nothing to more than a page.
const key = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 3 }).map(hexOf),
  fc
    .tuple(fc.constantFrom('', 'aa'.repeat(40), 'ab'.repeat(250), 'ab'.repeat(250)), fc.uint8Array({ minLength: 1, maxLength: 3 }))
    .map(([a, b]) => a + hexOf(b)),
)
const value = fc
  .oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: 2000, max: 6000 }))
  .chain((bytes) => fc.integer({ min: 0, max: 255 }).map((fill) => new Uint8Array(bytes).fill(fill)))
const change = fc.tuple(key, fc.option(value, { nil: undefined, freq: 3 }))
const batches = fc.array(fc.array(change, { minLength: 1, maxLength: 60, size: 'max' }), { minLength: 1, maxLength: 6, size: 'max' })

describe('laws of the state tree', () => {
  it('holds what was put and not deleted, whatever the batches, and has one root for it, whatever the order', () => {
    fc.assert(
      fc.property(batches, (batches) => {
        const tree = new TestTree()
        const model = new Map<string, Uint8Array>()
        for (const batch of batches) {
          const changes = new Map(batch)
          tree.update(changes)
          for (const [key, value] of changes) {
            if (value === undefined) model.delete(key)
            else model.set(key, value)
          }
          const sorted = [...model].sort(([a], [b]) => Buffer.compare(keyOf(a), keyOf(b)))
          assert.deepEqual(
            [...tree.content()],
            sorted.map(([key, value]) => [key, hexOf(value)]),
          )
          for (const [key] of changes) {
            const found = readTree(tree.pages, tree.root, keyOf(key))
            assert.deepEqual(found && hexOf(found), model.has(key) ? hexOf(model.get(key)!) : undefined)
          }
        }
        const atOnce = new TestTree()
        atOnce.update(model)
        const backwards = new TestTree()
        for (const [key, value] of [...model].reverse()) backwards.update(new Map([[key, value]]))
        assert.deepEqual(tree.root, atOnce.root)
        assert.deepEqual(tree.root, backwards.root)
        // Every page that was dropped was no part of the tree any more, and nothing else is left over.
        assert.equal(tree.pages.size, pageCount(tree.pages, tree.root))
      }),
      { numRuns: 150 },
    )
  })

  it('bounds its pages and says of each what is below it', () => {
    fc.assert(
      fc.property(batches, (batches) => {
        const tree = new TestTree()
        for (const batch of batches) tree.update(new Map(batch))
        checkPages(tree.pages, tree.root)
      }),
      { numRuns: 100 },
    )
  })
})

function pageCount(pages: PageSource, root: TreeRoot): number {
  const page = pages.page(root.hash)
  return page.kind === 'leaf' ? 1 : page.items.reduce((sum, ref) => sum + pageCount(pages, ref), 1)
}

function checkPages(pages: PageSource, ref: TreeRoot): void {
  const page = pages.page(ref.hash)
  assert.deepEqual(rootOf(encodePage(page)), ref)
  assert.ok(page.items.length <= 1 || ref.weight <= PAGE_WEIGHT_MAX, `${ref.weight} bytes`)
  if (page.kind === 'index') for (const child of page.items) checkPages(pages, child)
}
