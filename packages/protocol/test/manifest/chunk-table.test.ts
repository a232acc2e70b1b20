import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ChunkTable } from '../../src/manifest/chunk-table.ts'
import { assertFault, chunk } from './fixtures.ts'

describe('a chunk table', () => {
  it('numbers chunks in order of first appearance, over several growths', () => {
    const table = new ChunkTable(10_000)
    const chunks = Array.from({ length: 5000 }, (_, i) => chunk(i, i + 1))
    for (const { digest, bytes } of chunks) assert.equal(table.add(digest, bytes), bytes - 1)
    for (const [i, { digest, bytes }] of chunks.entries()) {
      assert.equal(table.add(digest, bytes), i)
      assert.equal(table.find(digest), i)
      assert.equal(table.bytes(i), bytes)
      assert.deepEqual(table.digest(i), digest)
    }
    assert.equal(table.size, 5000)
    assert.equal(table.find(chunk('other').digest), undefined)
  })

  it('keeps digests apart that differ in their last byte only', () => {
    const table = new ChunkTable(10)
    const a = new Uint8Array(32)
    assert.equal(table.add(a, 1), 0)
    assert.equal(table.add(a.with(31, 1), 1), 1)
    assert.equal(table.find(a.with(31, 2)), undefined)
  })

  it('admits no more than it was told', () => {
    const table = new ChunkTable(2)
    table.add(chunk(1).digest, 1)
    table.add(chunk(2).digest, 1)
    table.add(chunk(1).digest, 1)
    assertFault(() => table.add(chunk(3).digest, 1), 'TOO_LARGE')
    assertFault(() => new ChunkTable(0).add(chunk(3).digest, 1), 'TOO_LARGE')
  })
})
