import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chunkCid, type CID, sha256 } from '@cairn/protocol'
import { MemoryBlockStore } from '@cairn/storage'
import { NO_DELTAS } from '../src/delta-source.ts'
import { RecentFrames } from '../src/recent-frames.ts'

describe('RecentFrames', () => {
  it('gives the frame as it was kept, and asks the source for all others', async () => {
    const store = new MemoryBlockStore()
    const [here, there] = [cidOf(1), cidOf(2)]
    await store.put(here, Uint8Array.of(9))
    await store.put(there, Uint8Array.of(2))
    const recent = new RecentFrames(10)
    recent.keep(here, Uint8Array.of(1))
    const source = recent.before(store)
    assert.deepEqual(await source.get(here), Uint8Array.of(1))
    assert.deepEqual(await source.get(there), Uint8Array.of(2))
    assert.equal(await source.get(cidOf(3)), undefined)
  })

  it('has nothing that the source has not', async () => {
    const recent = new RecentFrames(10)
    recent.keep(cidOf(1), Uint8Array.of(1))
    assert.equal(recent.before(new MemoryBlockStore()).has(cidOf(1)), false)
  })

  it('drops the oldest beyond its bound, and never takes a frame that exceeds it', async () => {
    const recent = new RecentFrames(10)
    const source = recent.before(new MemoryBlockStore())
    recent.keep(cidOf(9), new Uint8Array(11))
    for (let i = 0; i < 4; i++) recent.keep(cidOf(i), new Uint8Array(4).fill(i))
    const kept = await Promise.all([9, 0, 1, 2, 3].map(async (i) => (await source.get(cidOf(i))) !== undefined))
    assert.deepEqual(kept, [false, false, false, true, true])
  })

  it('hands a delta on to whoever has all that we had, and nobody else', async () => {
    const recent = new RecentFrames(10)
    const [chunk, first, second] = [cidOf(1), cidOf(2), cidOf(3)]
    recent.keepDelta(chunk, Uint8Array.of(2, 7), [first, second])
    const deltas = recent.beforeDeltas({ ...NO_DELTAS, delta: async () => Uint8Array.of(2, 8) })
    assert.deepEqual(await deltas.delta(chunk, [second, cidOf(4), first]), Uint8Array.of(2, 7))
    assert.deepEqual(await deltas.delta(chunk, [first]), Uint8Array.of(2, 8))
    assert.deepEqual(await deltas.delta(cidOf(5), [first, second]), Uint8Array.of(2, 8))
    assert.equal(await recent.before(new MemoryBlockStore()).get(chunk), undefined, 'it is not the frame')
  })
})

function cidOf(number: number): CID {
  return chunkCid(sha256(Uint8Array.of(number)))
}
