import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { releasable } from '../src/index.ts'

describe('releasable', () => {
  it('is what only the evicted snapshot has', () => {
    assert.deepEqual(releasable(['a', 'b', 'c'], ['b', 'd']), new Set(['a', 'c']))
  })

  it('stops reading once nothing is left', () => {
    let readCount = 0
    function* kept(): Generator<string> {
      for (const key of ['a', 'b', 'c']) {
        readCount += 1
        yield key
      }
    }
    assert.equal(releasable(['a'], kept()).size, 0)
    assert.equal(readCount, 1)
  })

  it('leaves every block that is kept, and no other', () => {
    const keys = fc.array(fc.nat(30))
    fc.assert(
      fc.property(keys, keys, (evicted, kept) => {
        assert.deepEqual(releasable(evicted, kept), new Set(evicted).difference(new Set(kept)))
      }),
    )
  })
})
