import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryBlockStore } from '@cairn/storage'
import { completed, count, World } from './harness.ts'
import { range } from './snapshots.ts'

test('follows a rotation of keys, and leads those who were away through it', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 10))
  world.publish(index)
  const firstRoot = world.repository.root
  await world.origin('origin', [index])
  const store = new MemoryBlockStore()
  const before = await world.cache('first', store)
  await world.until(() => completed(before).length === 1)
  world.repository.rotate(50)
  world.repository.rotate(51)
  await world.until(() => count(before.events, 'trust-updated') > 1)
  assert.deepEqual(completed(before), ['alpha@1'])
  await world.settle(before.cache.stop())
  world.network.crash('origin')

  const first = await world.cache('first', store, { trustRoot: firstRoot })
  const second = await world.cache('second', new MemoryBlockStore(), { trustRoot: firstRoot, peers: [first.cache.addresses[0]!] })
  await world.until(() => completed(second).length === 1)
  assert.equal(count(second.events, 'metadata-refused'), 0)
})

test('a publication between two requests is not held against the source', async () => {
  await using world = await World.create()
  const v1 = await world.snapshot('alpha', 1, range(0, 5))
  const v2 = await world.snapshot('alpha', 2, range(3, 8))
  world.publish(v1)
  let publications = 0
  await world.origin('origin', [v1, v2], {
    metadata: (file) => {
      if (file === 'snapshot.json' && publications++ === 0) world.publish(v1, v2)
      return world.repository.metadata(file)
    },
  })
  const running = await world.cache('cache', new MemoryBlockStore())
  await world.until(() => completed(running).length > 0)
  assert.deepEqual(completed(running), ['alpha@2'])
  assert.equal(count(running.events, 'metadata-refused'), 0)
  assert.equal(count(running.events, 'peer-penalized'), 0)
})

test('a source whose metadata never fits together is refused and blamed', async () => {
  await using world = await World.create()
  const index = await world.snapshot('alpha', 1, range(0, 5))
  world.publish(index)
  const other = Buffer.from(world.repository.files['snapshot.json']!)
  world.repository.stamp()
  await world.origin('origin', [index], {
    metadata: (file) => (file === 'snapshot.json' ? Promise.resolve(other) : world.repository.metadata(file)),
  })
  const running = await world.cache('cache', new MemoryBlockStore())
  await world.until(() => count(running.events, 'peer-penalized') > 0)
  assert.match(running.cache.ready().reason, /does not belong to the rest/)
})
