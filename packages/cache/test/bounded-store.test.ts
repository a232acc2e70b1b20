import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBlockStore } from '@cairn/storage'
import { blockStoreCompliance, sampleBlocks } from '@cairn/storage/testing'
import { BoundedStore } from '../src/bounded-store.ts'
import { CacheError } from '../src/errors.ts'
import { PageOverlay } from '../src/page-overlay.ts'

blockStoreCompliance('BoundedStore', async () => new BoundedStore(new MemoryBlockStore(), 10_000_000))
blockStoreCompliance('PageOverlay', async () => new PageOverlay(new MemoryBlockStore()))

test('refuses what would take it above its capacity, also when much is put at once', async () => {
  const blocks = sampleBlocks(8, 4096)
  const capacityBytes = blocks.slice(0, 5).reduce((sum, { frame }) => sum + frame.byteLength, 0)
  const store = new BoundedStore(new MemoryBlockStore(), capacityBytes)
  const results = await Promise.allSettled(blocks.map(({ cid, frame }) => store.put(cid, frame)))
  const refused = results.filter((result) => result.status === 'rejected')
  assert.ok(refused.length > 0)
  for (const { reason } of refused) assert.ok(reason instanceof CacheError && reason.fault.code === 'OVER_CAPACITY')
  assert.ok(store.totalBytes <= capacityBytes)
  const held = blocks.find(({ cid }) => store.has(cid))!
  await store.put(held.cid, held.frame)
})

test('an overlay keeps what is put out of the store beneath', async () => {
  const [below, above] = sampleBlocks(2, 4096)
  const store = new MemoryBlockStore()
  await store.put(below!.cid, below!.frame)
  const overlay = new PageOverlay(store)
  await overlay.put(above!.cid, above!.frame)
  for (const { cid, frame } of [below!, above!]) {
    assert.equal(overlay.has(cid), true)
    assert.equal(overlay.frameBytes(cid), frame.byteLength)
    assert.deepEqual(await overlay.get(cid), frame)
  }
  assert.equal(store.has(above!.cid), false)
})
