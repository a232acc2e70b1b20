import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PAGE_BYTES_MAX } from '../../src/limits.ts'
import { type Built, type Staged, build, chunk, directory, file, load, symlink } from './fixtures.ts'

const CHUNKS = 10_000
const chunks = Array.from({ length: CHUNKS }, (_, i) => chunk(i))

const bigFile = (list = chunks): Built => build([['bulk', file('state', list)]])
const manyFiles = (from: number, to: number): readonly Staged[] =>
  Array.from({ length: to - from }, (_, i) => ['bulk', file(`${String(from + i).padStart(6, '0')}.ldb`, [chunk(from + i)])])

/** Pages of `next` that a holder of `before` has to fetch. */
function newPages(before: Built, next: Built): number {
  return [...next.pages.keys()].filter((cid) => !before.pages.has(cid)).length
}

describe('pages cut by content', () => {
  it('are 16 to 32 KiB on average', () => {
    for (const built of [bigFile(), build(manyFiles(0, CHUNKS))]) {
      const bytes = [...built.pages.values()].reduce((sum, page) => sum + page.byteLength, 0)
      const average = bytes / built.pages.size
      assert(average > 16 * 1024 && average < 32 * 1024, `${average} bytes`)
    }
  })

  // A new leaf, perhaps the one after it, and the index page above.
  it('are shared but for three when one chunk of 10,000 changes', () => {
    assert(newPages(bigFile(), bigFile(chunks.with(CHUNKS / 2, chunk('new')))) <= 3)
  })

  it('are shared but for four when chunks are inserted or removed', () => {
    const before = bigFile()
    assert(newPages(before, bigFile(chunks.toSpliced(CHUNKS / 3, 0, chunk('x'), chunk('y')))) <= 4)
    assert(newPages(before, bigFile(chunks.toSpliced(CHUNKS / 4, 3))) <= 4)
  })

  it('are shared but for four when files come and go', () => {
    const before = build(manyFiles(0, CHUNKS))
    assert(newPages(before, build([...manyFiles(0, 5000), ...manyFiles(5001, CHUNKS)])) <= 4)
    assert(newPages(before, build([...manyFiles(0, 5000), ['bulk', file('005000.ldb', [chunk('new')])], ...manyFiles(5001, CHUNKS)])) <= 2)
    assert(newPages(before, build([['bulk', file('!', [chunk('new')])], ...manyFiles(0, CHUNKS)])) <= 4)
  })

  it('leave the other sections alone', () => {
    const bulk = manyFiles(0, 1000)
    const before = build([['bootstrap', file('head', [chunk('head 1')])], ...bulk])
    assert.equal(newPages(before, build([['bootstrap', file('head', [chunk('head 2')])], ...bulk])), 1)
  })
})

describe('page bounds', () => {
  it('hold for the longest paths and targets', () => {
    const deep = Array.from({ length: 16 }, (_, i) => Array.from({ length: i + 1 }, () => 'n'.repeat(250)).join('/'))
    const links = Array.from({ length: 200 }, (_, i): Staged => [
      'bulk',
      symlink(`${deep[15]!}/${String(i).padStart(3, '0')}`, 't'.repeat(4095)),
    ])
    const built = build([...deep.map((path): Staged => ['bulk', directory(path)]), ...links])
    for (const page of built.pages.values()) assert(page.byteLength <= PAGE_BYTES_MAX)
    assert.equal(load(built).entries.length, 216)
  })

  it('hold for a long run of one chunk, which repeats whole pages', () => {
    const zeros = Array.from({ length: 50_000 }, () => chunk('zero'))
    const built = bigFile(zeros)
    assert(built.pages.size < 20)
    const index = load(built, (count) => count - 1)
    assert.equal(index.chunksCount, 1)
    assert.equal(index.places(0).length, zeros.length)
    assert.equal(index.pages.length, built.pages.size + 1)
  })
})
