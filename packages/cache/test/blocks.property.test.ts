import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SnapshotIndex } from '@cairn/protocol'
import { MemoryBlockStore } from '@cairn/storage'
import * as fc from 'fast-check'
import { addedBytes, blocksOf, dropBlocks } from '../src/blocks.ts'
import { makeSnapshot } from './snapshots.ts'

const chunks = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 10 })
const some = fc.array(chunks, { minLength: 1, maxLength: 4 })

async function makeAll(store: MemoryBlockStore, contents: readonly (readonly number[])[]): Promise<readonly SnapshotIndex[]> {
  const indexes: SnapshotIndex[] = []
  for (const [i, numbers] of contents.entries()) indexes.push(await makeSnapshot(store, 'alpha', i + 1, numbers))
  return indexes
}

// What a plan counts is what the store will take: one after the other, each beside the ones before it.
test('the bytes that snapshots add to each other sum up to what a store of all of them holds', async () => {
  await fc.assert(
    fc.asyncProperty(some, async (contents) => {
      const store = new MemoryBlockStore()
      const indexes = await makeAll(store, contents)
      const sum = indexes.reduce((bytes, index, i) => bytes + addedBytes(index, indexes.slice(0, i), store), 0)
      assert.equal(sum, store.totalBytes)
      const unknown = indexes.reduce((bytes, index, i) => bytes + addedBytes(index, indexes.slice(0, i), new MemoryBlockStore()), 0)
      assert.ok(unknown >= store.totalBytes, 'what is not held yet is never counted too low')
    }),
    { numRuns: 20 },
  )
})

test('dropping a snapshot frees what it alone has, and costs the others nothing', async () => {
  await fc.assert(
    fc.asyncProperty(some, async (contents) => {
      const store = new MemoryBlockStore()
      const [evicted, ...kept] = await makeAll(store, contents)
      const expected = addedBytes(evicted!, kept, store)
      const bytesBefore = store.totalBytes
      const { freedBytes } = await dropBlocks(store, blocksOf(evicted!), kept)
      assert.equal(freedBytes, expected)
      assert.equal(store.totalBytes, bytesBefore - freedBytes)
      for (const index of kept) for (const cid of blocksOf(index)) assert.ok(store.has(cid))
    }),
    { numRuns: 20 },
  )
})
