import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CID, SnapshotIndex } from '@cairn/protocol'
import { MemoryBlockStore } from '@cairn/storage'
import { addedBytes } from '../src/blocks.ts'
import { completed, count, evictions, type RunningCache, World } from './harness.ts'
import { CHUNK_BYTES, range } from './snapshots.ts'

/** Remembers the most it ever held. */
class WatchedStore extends MemoryBlockStore {
  bytesMax = 0

  override async put(cid: CID, frame: Uint8Array): Promise<void> {
    await super.put(cid, frame)
    this.bytesMax = Math.max(this.bytesMax, this.totalBytes)
  }
}

/** What a store takes that holds `copies` of snapshots as large as `index`; their pages compress a little differently. */
function roomFor(world: World, index: SnapshotIndex, copies: number): number {
  return addedBytes(index, [], world.published) * copies + CHUNK_BYTES / 2
}

/** Publishes versions one after the other, each once the one before it is mirrored. */
async function publishInTurn(world: World, running: RunningCache, versions: readonly SnapshotIndex[], from = 1): Promise<void> {
  for (let last = from; last <= versions.length; last++) {
    world.publish(...versions.slice(0, last))
    await world.until(() => completed(running).includes(`alpha@${last}`))
  }
}

test('keeps to its capacity: the two newest stay, then whatever was used last', async () => {
  await using world = await World.create()
  const versions = await Promise.all([1, 2, 3, 4].map((height) => world.snapshot('alpha', height, range(height * 100, height * 100 + 20))))
  world.publish(versions[0]!)
  await world.origin('origin', versions)
  const store = new WatchedStore()
  const capacityBytes = roomFor(world, versions[0]!, 3)
  const running = await world.cache('cache', store, { capacityBytes })
  await publishInTurn(world, running, versions.slice(0, 3))
  assert.deepEqual(completed(running), ['alpha@3', 'alpha@2', 'alpha@1'])

  await world.join('node', 'cache', versions[0]!)
  world.publish(...versions)
  await world.until(() => completed(running).includes('alpha@4'))
  assert.deepEqual(completed(running), ['alpha@4', 'alpha@3', 'alpha@1'])
  assert.deepEqual(evictions(running), ['alpha@2 least-recently-used'])
  assert.ok(store.bytesMax <= capacityBytes, `${store.bytesMax} bytes of ${capacityBytes}`)
  await world.join('another', 'cache', versions[3]!)
})

test('what was used last is remembered over a restart', async () => {
  await using world = await World.create()
  const versions = await Promise.all([1, 2, 3, 4].map((height) => world.snapshot('alpha', height, range(height * 100, height * 100 + 5))))
  world.publish(versions[0]!)
  await world.origin('origin', versions)
  const store = new MemoryBlockStore()
  const init = { capacityBytes: roomFor(world, versions[0]!, 3) }
  const first = await world.cache('cache', store, init)
  await publishInTurn(world, first, versions.slice(0, 3))
  await world.join('node', 'cache', versions[0]!)
  await world.settle(first.cache.stop())

  const second = await world.cache('cache', store, init)
  await publishInTurn(world, second, versions, 4)
  assert.deepEqual(completed(second), ['alpha@4', 'alpha@3', 'alpha@1'])
})

test('shared blocks count once, and survive the eviction of one that has them', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 40))
  const v2 = await world.snapshot('alpha', 2, range(5, 45))
  const v3 = await world.snapshot('alpha', 3, range(10, 50))
  world.publish(v1)
  await world.origin('origin', [v1, v2, v3])
  const store = new WatchedStore()
  const capacityBytes = addedBytes(v2, [], world.published) + addedBytes(v3, [v2], world.published)
  const running = await world.cache('cache', store, { capacityBytes })
  await publishInTurn(world, running, [v1, v2, v3])
  assert.deepEqual(completed(running), ['alpha@3', 'alpha@2'])
  assert.equal(count(running.events, 'chunk-received'), 50)
  assert.ok(store.bytesMax <= capacityBytes)
  await world.join('node', 'cache', v2)
})

test('when one version is all that fits, the new one takes the place of the old and reuses its blocks', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 40))
  const v2 = await world.snapshot('alpha', 2, range(5, 45))
  world.publish(v1)
  await world.origin('origin', [v1, v2])
  const store = new WatchedStore()
  const capacityBytes = roomFor(world, v1, 1)
  const running = await world.cache('cache', store, { capacityBytes })
  await publishInTurn(world, running, [v1, v2])
  assert.deepEqual(evictions(running), ['alpha@1 no-room'])
  assert.equal(count(running.events, 'chunk-received'), 45)
  assert.ok(store.bytesMax <= capacityBytes)
})

test('a version that never fits is left out, and the one before it stays', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 10))
  const v2 = await world.snapshot('alpha', 2, range(100, 150))
  world.publish(v1)
  await world.origin('origin', [v1, v2])
  const store = new WatchedStore()
  const capacityBytes = roomFor(world, v1, 2)
  const running = await world.cache('cache', store, { capacityBytes })
  await world.until(() => completed(running).length === 1)
  world.publish(v1, v2)
  await world.until(() => running.cache.status().snapshots.some(({ decision }) => decision === 'no-room'))
  assert.deepEqual(completed(running), ['alpha@1'])
  assert.deepEqual(evictions(running), [])
  assert.equal(store.blocksCount, v1.chunksCount + v1.pages.length, 'not even its manifest takes room')
  const looks = count(running.events, 'manifest-loaded')
  await world.clock.advance(5 * 60_000)
  assert.equal(count(running.events, 'manifest-loaded'), looks, 'nor is it looked at again and again')
})

test('a lower capacity never evicts the newest version', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 10))
  const v2 = await world.snapshot('alpha', 2, range(100, 110))
  world.publish(v1)
  await world.origin('origin', [v1, v2])
  const store = new MemoryBlockStore()
  const first = await world.cache('cache', store)
  await publishInTurn(world, first, [v1, v2])
  await world.settle(first.cache.stop())
  const second = await world.cache('cache', store, { capacityBytes: 1 })
  await world.until(() => evictions(second).length > 0)
  assert.deepEqual(evictions(second), ['alpha@1 no-room'])
  assert.deepEqual(completed(second), ['alpha@2'])
})
