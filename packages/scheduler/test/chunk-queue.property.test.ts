import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ChunkQueue } from '../src/chunk-queue.ts'

test('pops valid chunks in the order of their newest keys and drops stale entries', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(40), fc.option(fc.nat(1000), { nil: undefined })), { maxLength: 200 }), (operations) => {
      const keys = new Map<number, number>()
      const queue = new ChunkQueue((chunk) => keys.get(chunk))
      for (const [chunk, key] of operations) {
        if (key === undefined) keys.delete(chunk)
        else {
          keys.set(chunk, key)
          queue.push(chunk, key)
        }
      }
      const popped: number[] = []
      for (let chunk = queue.pop(); chunk !== undefined; chunk = queue.pop()) {
        popped.push(keys.get(chunk)!)
        keys.delete(chunk)
      }
      assert.deepEqual(
        popped,
        popped.toSorted((a, b) => a - b),
      )
      assert.equal(keys.size, 0)
      assert.equal(queue.size, 0)
    }),
  )
})
