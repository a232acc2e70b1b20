import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pageCid, plainFrame } from '@cairn/protocol'
import type { BlockStore } from '../block-store.ts'
import { sampleBlocks, sampleBytes } from './sample-bytes.ts'

/** What every {@link BlockStore} does. `create` gives an empty one; the suite closes it. */
export function blockStoreCompliance(name: string, create: () => Promise<BlockStore>): void {
  const blocks = sampleBlocks(8, 4096)
  const [first, second] = [blocks[0]!, blocks[1]!]

  describe(`${name} is a BlockStore`, () => {
    it('holds nothing at first', async () => {
      await using store = await create()
      assert.equal(store.has(first.cid), false)
      assert.equal(await store.get(first.cid), undefined)
      assert.equal(store.frameBytes(first.cid), undefined)
      assert.deepEqual([store.blocksCount, store.totalBytes, [...store.cids()]], [0, 0, []])
    })

    it('gives back the frames that were put', async () => {
      await using store = await create()
      await Promise.all(blocks.map(({ cid, frame }) => store.put(cid, frame)))
      for (const { cid, frame } of blocks) {
        assert.equal(store.has(cid), true)
        assert.equal(store.frameBytes(cid), frame.byteLength)
        assert.deepEqual(Buffer.from((await store.get(cid))!), Buffer.from(frame))
      }
      assert.equal(store.blocksCount, blocks.length)
      assert.equal(store.totalBytes, sum(blocks.map(({ frame }) => frame.byteLength)))
      assert.deepEqual([...store.cids()].map(String).sort(), blocks.map(({ cid }) => String(cid)).sort())
    })

    it('keeps pages apart from chunks', async () => {
      await using store = await create()
      const page = Buffer.from([0xa0])
      await store.put(pageCid(page), plainFrame(page))
      assert.equal(store.has(pageCid(page)), true)
      assert.deepEqual([...store.cids()].map(String), [pageCid(page).toString()])
    })

    it('takes a large frame in one piece', async () => {
      await using store = await create()
      const frame = sampleBytes('large', 1024 * 1024 + 1)
      await store.put(first.cid, frame)
      assert.deepEqual(Buffer.from((await store.get(first.cid))!), Buffer.from(frame))
    })

    it('keeps the first frame of a block that is put twice', async () => {
      await using store = await create()
      await Promise.all([store.put(first.cid, first.frame), store.put(first.cid, first.frame), store.put(first.cid, first.frame)])
      await store.put(first.cid, second.frame)
      assert.deepEqual([store.blocksCount, store.totalBytes], [1, first.frame.byteLength])
      assert.deepEqual(Buffer.from((await store.get(first.cid))!), Buffer.from(first.frame))
    })

    it('does not change a frame when the caller reuses its memory', async () => {
      await using store = await create()
      const memory = new Uint8Array(first.frame)
      await store.put(first.cid, memory)
      memory.fill(0)
      assert.deepEqual(Buffer.from((await store.get(first.cid))!), Buffer.from(first.frame))
    })

    it('forgets what is deleted, and takes it again', async () => {
      await using store = await create()
      await store.put(first.cid, first.frame)
      await store.put(second.cid, second.frame)
      await store.delete(first.cid)
      await store.delete(first.cid)
      assert.equal(store.has(first.cid), false)
      assert.equal(await store.get(first.cid), undefined)
      assert.deepEqual([store.blocksCount, store.totalBytes], [1, second.frame.byteLength])
      await store.put(first.cid, first.frame)
      assert.equal(store.blocksCount, 2)
    })

    it('ends consistent when put, delete and get of one block overlap', async () => {
      await using store = await create()
      const { cid, frame } = first
      await Promise.all(Array.from({ length: 30 }, () => Promise.all([store.put(cid, frame), store.get(cid), store.delete(cid)])))
      const held = store.has(first.cid)
      assert.equal(store.totalBytes, held ? first.frame.byteLength : 0)
      assert.equal((await store.get(first.cid)) !== undefined, held)
    })

    it('flushes at any time', async () => {
      await using store = await create()
      await store.flush()
      await Promise.all(blocks.map(({ cid, frame }) => Promise.all([store.put(cid, frame), store.flush()])))
      await store.flush()
      assert.equal(store.blocksCount, blocks.length)
    })
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
