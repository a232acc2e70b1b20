import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { chunkCid, type CID, encodeFrame, isPageCid, sha256 } from '@cairn/protocol'
import { type BlockSource, MemoryBlockStore, StorageError } from '@cairn/storage'
import { addressOf, completed, count, World } from './harness.ts'
import { range } from './snapshots.ts'

/** A disk that can be full, and lose blocks. */
class FailingStore extends MemoryBlockStore {
  isFull = false
  readonly #damaged = new Set<string>()

  override put(cid: CID, frame: Uint8Array): Promise<void> {
    if (this.isFull && !this.has(cid)) return Promise.reject(new StorageError({ code: 'NO_SPACE', path: 'store', bytes: frame.byteLength }))
    return super.put(cid, frame)
  }

  /** As a flipped bit on the disk would: the next read finds it, and drops the block. */
  damage(cid: CID): void {
    this.#damaged.add(cid.toString())
  }

  override async get(cid: CID): Promise<Uint8Array | undefined> {
    if (!this.#damaged.delete(cid.toString())) return super.get(cid)
    await this.delete(cid)
    throw new StorageError({ code: 'CORRUPT', path: 'store', reason: 'damaged' })
  }
}

// Goal: whatever arrived before a crash is used after it.
// Method: the network of the first run is cut mid-way as a crash would, and nothing is written from then on.
test('a download that was interrupted goes on where it stopped', async () => {
  await using world = await World.create(2_000_000)
  const index = await world.snapshot('alpha', 1, range(0, 200))
  world.publish(index)
  await world.origin('origin', [index])
  const store = new MemoryBlockStore()
  const first = await world.cache('cache', store)
  await world.until(() => count(first.events, 'chunk-received') >= 50)
  world.network.crash('cache')
  const fetched = count(first.events, 'chunk-received')
  assert.ok(fetched < 200)
  await world.settle(first.cache.stop())

  const second = await world.cache('cache', store)
  assert.equal(second.cache.status().snapshots[0]?.state, 'partial')
  await world.until(() => second.cache.ready().ready)
  assert.ok(count(second.events, 'chunk-received') <= 200 - fetched)
  await world.join('node', 'cache', index)
})

test('a list of mirrors that was lost costs no download', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 20))
  world.publish(index)
  await world.origin('origin', [index])
  const store = new MemoryBlockStore()
  const first = await world.cache('cache', store)
  await world.until(() => first.cache.ready().ready)
  await world.settle(first.cache.stop())
  await rm(join(world.path, 'cache', 'mirrors.json'))
  const second = await world.cache('cache', store)
  await world.until(() => second.cache.ready().ready)
  assert.equal(count(second.events, 'chunk-received'), 0)
})

test('blocks that belong to nothing are removed', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 5))
  world.publish(index)
  await world.origin('origin', [index])
  const store = new MemoryBlockStore()
  const orphan = new Uint8Array(100)
  await store.put(chunkCid(sha256(orphan)), encodeFrame(orphan))
  const running = await world.cache('cache', store)
  await world.until(() => running.cache.ready().ready)
  assert.equal(count(running.events, 'orphans-removed'), 1)
  assert.equal(store.has(chunkCid(sha256(orphan))), false)
})

test('a full disk is told of, what is mirrored stays in service, and the rest follows when there is room', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 20))
  const v2 = await world.snapshot('alpha', 2, range(100, 120))
  world.publish(v1)
  await world.origin('origin', [v1, v2])
  const store = new FailingStore()
  const running = await world.cache('cache', store)
  await world.until(() => completed(running).length === 1)
  store.isFull = true
  world.publish(v1, v2)
  await world.until(() => count(running.events, 'mirror-failed') > 1)
  assert.match(running.cache.status().stalled ?? '', /no space left/)
  assert.deepEqual(running.cache.ready().ready, true)
  await world.join('node', 'cache', v1)
  store.isFull = false
  await world.until(() => completed(running).length === 2)
  await world.until(() => running.cache.status().stalled === undefined)
})

test('a damaged block is found when it is asked for, and fetched again', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 20))
  world.publish(index)
  await world.origin('origin', [index])
  const store = new FailingStore()
  const running = await world.cache('cache', store)
  await world.until(() => count(running.events, 'mirror-complete') === 1)
  for (const cid of [index.chunkCid(7), index.pages[1]!]) {
    const repaired = count(running.events, 'mirror-complete') + 1
    store.damage(cid)
    // Whoever comes upon the damage may go away with nothing.
    await Promise.allSettled([world.join('node', 'cache', index)])
    await world.until(() => count(running.events, 'mirror-complete') === repaired)
    await world.join('node', 'cache', index)
  }
  assert.equal(count(running.events, 'mirror-damaged'), 2)
  assert.equal(count(running.events, 'chunk-received'), 21)
})

test('blocks that are gone at the start are fetched again', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 20))
  world.publish(index)
  await world.origin('origin', [index])
  const store = new MemoryBlockStore()
  const first = await world.cache('cache', store)
  await world.until(() => first.cache.ready().ready)
  await world.settle(first.cache.stop())
  for (const cid of [index.pages[1]!, index.chunkCid(3)]) await store.delete(cid)
  const second = await world.cache('cache', store)
  assert.equal(second.cache.ready().ready, false)
  await world.until(() => second.cache.ready().ready)
  assert.equal(count(second.events, 'mirror-damaged'), 1)
  assert.equal(count(second.events, 'chunk-received'), 1)
})

test('an only source that lies is not believed, and a second one ends the wait', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 20))
  world.publish(index)
  await world.origin('origin', [index], { source: lyingAbout(world.published, index.chunkCid(4)) })
  const store = new MemoryBlockStore()
  const running = await world.cache('cache', store)
  await world.until(() => count(running.events, 'mirror-failed') > 0)
  assert.match(running.cache.ready().reason, /do not match their digest/)
  assert.equal(store.has(index.chunkCid(4)), false)
  const honest = await world.origin('honest', [index])
  await world.settle(honest.transport.dial(`/memory/origin/p2p/origin`))
  await world.settle(running.transport.dial(honest.transport.addresses()[0]!))
  await world.until(() => running.cache.ready().ready)
})

test('a snapshot that is withdrawn while it is fetched is given up', async () => {
  await using world = await World.create(100_000)
  const v1 = await world.snapshot('alpha', 1, range(0, 10))
  const v2 = await world.snapshot('alpha', 2, range(100, 700))
  world.publish(v2)
  await world.origin('origin', [v1, v2])
  // Its link is not full of chunks.
  const second = await world.origin('second', [v1])
  const store = new MemoryBlockStore()
  const running = await world.cache('cache', store, { peers: [addressOf('origin'), addressOf('second')] })
  await world.until(() => count(running.events, 'chunk-received') > 20)
  world.publish(v1)
  await world.settle(second.participant.announceHeads('alpha', world.repository.timestamp))
  await world.until(() => completed(running).includes('alpha@1'))
  assert.equal(
    running.events.some((event) => event.type === 'mirror-complete' && event.height === 2),
    false,
  )
  assert.equal(count(running.events, 'mirror-failed'), 0)
  assert.equal(store.blocksCount, v1.chunksCount + v1.pages.length)
})

/** Serves `source`, with another block in place of `victim`. */
function lyingAbout(source: BlockSource, victim: CID): BlockSource {
  return {
    has: (cid) => source.has(cid),
    get: async (cid) =>
      !isPageCid(cid) && cid.equals(victim) ? encodeFrame(new Uint8Array(16 * 1024), { compress: false }) : source.get(cid),
  }
}
