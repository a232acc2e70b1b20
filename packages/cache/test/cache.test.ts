import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBlockStore } from '@cairn/storage'
import { SwarmError } from '@cairn/swarm'
import { completed, count, evictions, World } from './harness.ts'
import { TestRepository } from './repository.ts'
import { range } from './snapshots.ts'

test('mirrors the newest release, serves it, and is ready then', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 40))
  world.publish(index)
  const running = await world.cache('cache', new MemoryBlockStore())
  assert.equal(running.cache.ready().ready, false)
  await world.origin('origin', [index])
  await world.until(() => running.cache.ready().ready)
  assert.deepEqual(completed(running), ['alpha@1'])
  const [status] = running.cache.status().snapshots
  assert.equal(status?.bytes, status?.bytesTotal)
  assert.equal(status?.decision, 'newest')
  await world.join('node', 'cache', index)
})

test('after a restart it serves at once, with the origin away, and fetches nothing', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 40))
  world.publish(index)
  await world.origin('origin', [index])
  const store = new MemoryBlockStore()
  const first = await world.cache('cache', store)
  await world.until(() => first.cache.ready().ready)
  await world.settle(first.cache.stop())
  world.network.crash('origin')

  const second = await world.cache('cache', store)
  assert.deepEqual(second.cache.ready(), { ready: true, reason: 'serving 1 complete snapshots' })
  await world.join('node', 'cache', index)
  assert.equal(count(second.events, 'chunk-received'), 0)
  assert.equal(count(second.events, 'mirror-started'), 0)
  assert.equal(count(second.events, 'evicted'), 0)
})

test('a joining node gets metadata and chunks from the cache alone', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 10))
  world.publish(index)
  await world.origin('origin', [index])
  const first = await world.cache('first', new MemoryBlockStore())
  await world.until(() => first.cache.ready().ready)
  world.network.crash('origin')
  const second = await world.cache('second', new MemoryBlockStore(), { peers: [first.cache.addresses[0]!] })
  await world.until(() => second.cache.ready().ready)
  assert.equal(second.cache.status().freshUntil, first.cache.status().freshUntil)
})

test('a new version costs what it does not share, and the version before stays', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 40))
  const v2 = await world.snapshot('alpha', 2, range(4, 44))
  world.publish(v1)
  const origin = await world.origin('origin', [v1, v2])
  const running = await world.cache('cache', new MemoryBlockStore())
  await world.until(() => completed(running).length === 1)
  const before = count(running.events, 'chunk-received')

  world.publish(v1, v2)
  await world.settle(origin.participant.announceHeads('alpha', world.repository.timestamp))
  await world.until(() => completed(running).length === 2)
  assert.equal(count(running.events, 'chunk-received') - before, 4)
  assert.deepEqual(evictions(running), [])
})

test('a release that was never announced is found by asking', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 5))
  const v2 = await world.snapshot('alpha', 2, range(3, 8))
  world.publish(v1)
  await world.origin('origin', [v1, v2])
  const running = await world.cache('cache', new MemoryBlockStore())
  await world.until(() => completed(running).length === 1)
  world.publish(v1, v2)
  await world.until(() => completed(running).length === 2)
})

test('passes on that there is something new, once it has accepted it', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 5))
  const v2 = await world.snapshot('alpha', 2, range(3, 8))
  world.publish(v1)
  const origin = await world.origin('origin', [v1, v2])
  const running = await world.cache('cache', new MemoryBlockStore())
  await world.until(() => completed(running).length === 1)
  const heard = new Map<string, Uint8Array>()
  const listener = await world.origin('listener', [], { onHeads: (_ledger, timestamp, from) => heard.set(from, timestamp) })
  await world.settle(listener.transport.dial(running.transport.addresses()[0]!))

  world.publish(v1, v2)
  const { timestamp } = world.repository
  await world.settle(origin.participant.announceHeads('alpha', timestamp))
  await world.until(() => heard.has('cache'))
  for (const from of ['cache', 'origin']) assert.equal(Buffer.compare(heard.get(from)!, timestamp), 0, from)
})

test('an announcement that nobody signed changes nothing', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 5))
  world.publish(index)
  const origin = await world.origin('origin', [index])
  const running = await world.cache('cache', new MemoryBlockStore())
  await world.until(() => completed(running).length === 1)
  const stranger = new TestRepository(() => world.clock.now(), 9)
  stranger.publish('alpha', [])
  const updates = count(running.events, 'trust-updated')
  await world.settle(origin.participant.announceHeads('alpha', stranger.timestamp))
  await world.settle(origin.participant.announceHeads('alpha', Buffer.from('{}')))
  await world.until(() => count(running.events, 'announcement-refused') > 0)
  assert.equal(count(running.events, 'trust-updated'), updates)
  assert.deepEqual(completed(running), ['alpha@1'])
})

test('a snapshot that the metadata no longer lists is evicted; one whose metadata cannot be had is not', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 20))
  const v2 = await world.snapshot('alpha', 2, range(10, 30))
  world.publish(v1, v2)
  await world.origin('origin', [v1, v2])
  const store = new MemoryBlockStore()
  const running = await world.cache('cache', store)
  await world.until(() => completed(running).length === 1)

  const { files } = world.repository
  const good = files['timestamp.json']!
  files['timestamp.json'] = Buffer.from(good.toString().replace(/"sig":"../, '"sig":"00'))
  await world.until(() => count(running.events, 'metadata-refused') > 0)
  assert.deepEqual(completed(running), ['alpha@2'])
  assert.match(running.cache.status().stalled ?? '', /timestamp\.json/)

  files['timestamp.json'] = good
  world.publish(v1)
  await world.until(() => completed(running).includes('alpha@1'))
  assert.deepEqual(evictions(running), ['alpha@2 revoked'])
  for (const page of v2.pages)
    assert.equal(
      store.has(page),
      v1.pages.some((other) => other.equals(page)),
    )
  assert.equal(store.blocksCount, v1.chunksCount + v1.pages.length)
  await assert.rejects(world.join('node', 'cache', v2), SwarmError)
})

test('a trust root of somebody else is refused when the directory has one already', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 5))
  world.publish(index)
  await world.origin('origin', [index])
  const store = new MemoryBlockStore()
  const first = await world.cache('cache', store)
  await world.until(() => first.cache.ready().ready)
  await world.settle(first.cache.stop())
  const stranger = new TestRepository(() => world.clock.now(), 7)
  await assert.rejects(
    world.cache('cache', store, { trustRoot: stranger.root }),
    (error) => error instanceof SwarmError && error.fault.code === 'OTHER_TRUST_ROOT',
  )
})

test('an expired timestamp leaves a cache in service and shows in its status', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 5))
  world.publish(index)
  world.repository.stamp(20_000)
  await world.origin('origin', [index])
  const running = await world.cache('cache', new MemoryBlockStore())
  await world.until(() => running.cache.ready().ready)
  assert.equal(running.cache.status().fresh, true)
  await world.until(() => !running.cache.status().fresh)
  assert.equal(running.cache.ready().ready, true)
  await world.join('node', 'cache', index)
})

test('follows only the ledgers that it was told to, and lets go of the others', async () => {
  await using world = await World.create()
  const alpha = await world.snapshot('alpha', 1, range(0, 5))
  const beta = await world.snapshot('beta', 7, range(3, 9))
  world.publish(alpha)
  world.publish(beta)
  await world.origin('origin', [alpha, beta])
  const store = new MemoryBlockStore()
  const all = await world.cache('cache', store)
  await world.until(() => completed(all).length === 2)
  await world.settle(all.cache.stop())
  const one = await world.cache('cache', store, { ledgers: ['beta'] })
  await world.until(() => evictions(one).length > 0)
  assert.deepEqual(evictions(one), ['alpha@1 not-followed'])
  assert.deepEqual(completed(one), ['beta@7'])
})
