import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type KeptVersion, prunable } from '../src/index.ts'

const versions = fc
  .uniqueArray(fc.nat(1000), { maxLength: 8 })
  .chain((heights) =>
    fc.tuple(
      ...heights.map((height) =>
        fc.record({ name: fc.constant(`${height}`), height: fc.constant(height), complete: fc.boolean(), isInUse: fc.boolean() }),
      ),
    ),
  )

describe('prunable', () => {
  it('leaves what is in use, what was begun, and of the rest the newest, at most as many as are kept', () => {
    fc.assert(
      fc.property(versions, fc.nat(5), (all, keep) => {
        const removed = new Set<KeptVersion>(prunable<KeptVersion>(all, keep))
        const left = all.filter((version) => !removed.has(version))
        for (const version of removed) assert.ok(version.complete && !version.isInUse)
        const inUse = left.filter(({ complete, isInUse }) => complete && isInUse)
        const others = left.filter(({ complete, isInUse }) => complete && !isInUse)
        assert.ok(inUse.length + others.length <= Math.max(keep, inUse.length))
        for (const { height } of removed) for (const other of others) assert.ok(other.height > height)
        // No more is removed than has to be.
        if (removed.size > 0) assert.equal(inUse.length + others.length, Math.max(keep, inUse.length))
      }),
    )
  })
})
