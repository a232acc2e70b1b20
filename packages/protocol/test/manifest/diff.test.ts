import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { changePath, diffSnapshots, planUpdate } from '../../src/manifest/index.ts'
import { snapshot } from './arbitraries.ts'
import { build, chunk, chunking, directory, file, load, symlink } from './fixtures.ts'

const MIN = chunking.bytesMin

describe('a diff of snapshots', () => {
  const from = load(
    build([
      ['bulk', directory('d')],
      ['bulk', file('d/changed', [chunk(1), chunk(2)])],
      ['bulk', file('d/gone', [chunk(3)])],
      ['bulk', file('d/mode', [chunk(4)])],
      ['bulk', file('d/same', [chunk(5)])],
      ['bulk', file('d/turned')],
      ['bulk', symlink('link', 'd/gone')],
    ]),
  )
  const to = load(
    build([
      // Another stage is no change of the entry.
      ['bootstrap', directory('d')],
      ['bootstrap', file('d/same', [chunk(5)])],
      ['bulk', file('d/changed', [chunk(1), chunk(6)])],
      ['bulk', { ...file('d/mode', [chunk(4)]), mode: 0o600 }],
      ['bulk', file('d/moved', [chunk(3)])],
      ['bulk', symlink('d/turned', 'x')],
      ['bulk', file('large', [chunk(7, 3 * MIN)])],
      ['bulk', symlink('link', 'd/moved')],
    ]),
  )
  const diff = diffSnapshots(from, to)

  it('names each change once, by path', () => {
    assert.deepEqual(
      diff.changes.map((change) => [change.type, changePath(change)]),
      [
        ['changed', 'd/changed'],
        ['removed', 'd/gone'],
        ['mode', 'd/mode'],
        ['added', 'd/moved'],
        ['changed', 'd/turned'],
        ['added', 'large'],
        ['changed', 'link'],
      ],
    )
    assert.deepEqual(diff.counts, { added: 2, removed: 1, changed: 3, mode: 1 })
    assert.equal(diff.unchanged, 2)
  })

  it('counts what is shared and what has to be fetched', () => {
    assert.deepEqual(diff.shared, { chunks: 4, bytes: 4 * MIN })
    assert.deepEqual(diff.toFetch, { chunks: 2, bytes: 4 * MIN })
  })

  it('becomes a plan: what is here, what comes as a delta, what comes whole', () => {
    const chunkOf = (number: number, bytes = MIN): number => to.findChunk(chunk(number, bytes).digest)!
    // One size is of a chunk that is here: it is not fetched for that.
    const sizes = new Map([
      [chunkOf(6), 100],
      [chunkOf(1), 50],
    ])
    assert.deepEqual(planUpdate(from, to, sizes), {
      reuse: { chunks: 4, bytes: 4 * MIN },
      delta: { chunks: 1, bytes: MIN, frameBytes: 100 },
      whole: { chunks: 1, bytes: 3 * MIN },
      pages: { shared: 0, toFetch: to.pages.length },
      fetchBytesMax: 100 + 3 * MIN + 1,
    })
    assert.deepEqual(planUpdate(from, to).whole, { chunks: 2, bytes: 4 * MIN })
    assert.deepEqual(planUpdate(to, to).pages, { shared: to.pages.length, toFetch: 0 })
  })

  it('sees the same chunks in another order as a change', () => {
    const one = load(build([['bulk', file('a', [chunk(1), chunk(2)])]]))
    const two = load(build([['bulk', file('a', [chunk(2), chunk(1)])]]))
    assert.deepEqual(diffSnapshots(one, two).counts, { added: 0, removed: 0, changed: 1, mode: 0 })
    assert.equal(diffSnapshots(one, two).toFetch.chunks, 0)
  })

  it('is empty between a snapshot and itself, and mirrored the other way round', () => {
    fc.assert(
      fc.property(snapshot, snapshot, (a, b) => {
        const [one, two] = [load(build(a)), load(build(b))]
        assert.deepEqual(diffSnapshots(one, one).changes, [])
        assert.equal(diffSnapshots(one, one).toFetch.chunks, 0)
        const there = diffSnapshots(one, two)
        const back = diffSnapshots(two, one)
        assert.deepEqual(there.changes.map(changePath), back.changes.map(changePath))
        assert.deepEqual([there.counts.added, there.counts.changed], [back.counts.removed, back.counts.changed])
        assert.deepEqual(there.shared, back.shared)
        assert.equal(there.shared.chunks + there.toFetch.chunks, two.chunksCount)
      }),
      { numRuns: 30 },
    )
  })
})
