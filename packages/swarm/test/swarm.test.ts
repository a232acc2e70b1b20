import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CID, encodeExchange, encodeFrame, EXCHANGE_PROTOCOL, WANT_CHUNKS_MAX } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import type { BlockSource } from '@cairn/storage'
import { replayTrace } from '@cairn/scheduler'
import { SwarmError } from '../src/index.ts'
import { SERVING_LIMITS } from '../src/limits.ts'
import { type Member, type Sample, sampleSnapshot, TestSwarm } from './harness.ts'

const SEED = process.env['SEED'] ?? '42'

function count(member: Member, type: Member['events'][number]['type']): number {
  return member.events.filter((event) => event.type === type).length
}

function assertHolds(member: Member, { index, store }: Sample): Promise<void> {
  return (async () => {
    for (let chunk = 0; chunk < index.chunksCount; chunk++) {
      const cid = index.chunkCid(chunk)
      assert.deepEqual(await member.store.get(cid), await store.get(cid), `chunk ${chunk}`)
    }
  })()
}

test('a node joins from an origin, and from a node that has joined', async () => {
  const swarm = new TestSwarm(SEED)
  const sample = await sampleSnapshot(seededRandom(SEED), 60)
  await swarm.addComplete('origin', sample)
  const first = await swarm.add('first')
  await swarm.connect('first', 'origin')
  await swarm.settle(swarm.join(first, sample))
  await assertHolds(first, sample)

  const second = await swarm.add('second')
  await swarm.connect('second', 'first')
  await swarm.settle(swarm.join(second, sample))
  await assertHolds(second, sample)
  await swarm.stop()
})

// Goal: nodes that join together fetch from each other, so the origin sends far less than one copy per node.
// Method: 1 origin with a narrow uplink, 4 nodes that know only its address. Replay: SEED=42 npm test
test('nodes that join together find each other and trade', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 2_000_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 800)
  const origin = await swarm.addComplete('origin', sample)
  const nodes = await Promise.all(['a', 'b', 'c', 'd'].map((name) => swarm.add(name)))
  for (const node of nodes) await swarm.connect(node.name, 'origin')
  await swarm.settle(Promise.all(nodes.map((node) => swarm.join(node, sample))))
  for (const node of nodes) await assertHolds(node, sample)
  const served = origin.events.filter((event) => event.type === 'block-served').length
  assert.ok(served < 3 * sample.index.chunksCount, `the origin sent ${served} of ${4 * sample.index.chunksCount} chunks`)
  await swarm.stop()
})

// Goal: an origin is spared by nodes that know three others with everything.
test('an origin is left alone while three complete peers answer', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 2_000_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 400)
  const origin = await swarm.addComplete('origin', sample, sample.store, true)
  const caches = await Promise.all(['a', 'b', 'c'].map((name) => swarm.addComplete(name, sample)))
  const node = await swarm.add('node')
  for (const { name } of [...caches, origin]) await swarm.connect('node', name)
  await swarm.settle(swarm.join(node, sample))
  await assertHolds(node, sample)
  // What it was asked for before the third of the others had said what it has.
  assert.ok(count(origin, 'block-served') < 40, `the origin sent ${count(origin, 'block-served')} blocks`)
  await swarm.stop()
})

test('the same seed gives the same events in the same order', async () => {
  const run = async (): Promise<unknown> => {
    const swarm = new TestSwarm(SEED, { bytesPerSecond: 5_000_000, jitterMs: 3 })
    const sample = await sampleSnapshot(seededRandom(SEED), 100)
    await swarm.addComplete('origin', sample)
    const nodes = await Promise.all(['a', 'b'].map((name) => swarm.add(name)))
    for (const node of nodes) await swarm.connect(node.name, 'origin')
    await swarm.settle(Promise.all(nodes.map((node) => swarm.join(node, sample))))
    const events = nodes.map((node) => node.events)
    await swarm.stop()
    return events
  }
  assert.deepEqual(await run(), await run())
})

test('the trace of a download, replayed through the scheduler, makes every decision again', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 2_000_000, jitterMs: 2 })
  const sample = await sampleSnapshot(seededRandom(SEED), 300)
  await swarm.addComplete('origin', sample)
  const [first, second] = [await swarm.add('first'), await swarm.add('second')]
  for (const { name } of [first, second]) await swarm.connect(name, 'origin')
  const lines: string[] = []
  await swarm.settle(Promise.all([swarm.join(first, sample, { onTrace: (line) => lines.push(line) }), swarm.join(second, sample)]))
  const report = replayTrace(lines)
  assert.equal(report.fault, undefined)
  assert.ok(report.requestsCount > 10)
  assert.equal(report.stepsCount, lines.length - 1)
  await swarm.stop()
})

// Goal: a source that flips a byte is caught, named and banned, and costs nothing but the bad bytes.
test('a source that sends a bad chunk is banned and the chunk comes from another one', async () => {
  const swarm = new TestSwarm(SEED)
  const sample = await sampleSnapshot(seededRandom(SEED), 60)
  await swarm.addComplete('honest', sample)
  await swarm.addComplete('liar', sample, flipping(sample.store, sample.index.chunkCid(7)))
  const node = await swarm.add('node')
  await swarm.connect('node', 'liar')
  await swarm.connect('node', 'honest')
  await swarm.settle(swarm.join(node, sample))
  await assertHolds(node, sample)
  const banned = node.events.flatMap((event) => (event.type === 'peer-banned' ? [event.peer] : []))
  if (count(node, 'chunk-bad') > 0) assert.deepEqual(banned, ['liar'])
  assert.ok(!banned.includes('honest'))
  await swarm.stop()
})

test('an only source that lies ends the download, and nothing unverified is kept', async () => {
  const swarm = new TestSwarm(SEED)
  const sample = await sampleSnapshot(seededRandom(SEED), 20)
  const bad = sample.index.chunkCid(7)
  await swarm.addComplete('liar', sample, flipping(sample.store, bad))
  const node = await swarm.add('node')
  await swarm.connect('node', 'liar')
  await assert.rejects(
    swarm.settle(swarm.join(node, sample)),
    (error) => error instanceof SwarmError && error.fault.code === 'UNVERIFIABLE',
  )
  assert.equal(node.store.has(bad), false)
  assert.equal(count(node, 'peer-banned'), 0)
  await swarm.stop()
})

test('a source that crashes mid-way is replaced by the other one', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 500_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 200)
  await swarm.addComplete('cache', sample)
  await swarm.addComplete('origin', sample)
  const node = await swarm.add('node')
  await swarm.connect('node', 'cache')
  await swarm.connect('node', 'origin')
  const joining = swarm.join(node, sample)
  await swarm.clock.runUntil(() => count(node, 'chunk-received') > 50)
  swarm.network.crash('cache')
  swarm.members.delete('cache')
  await swarm.settle(joining)
  await assertHolds(node, sample)
  assert.ok(count(node, 'chunk-wasted') <= 2, 'the end-game repeats at most its budget')
  await swarm.stop()
})

test('with every source gone the download names its reason and gives up when patience ends', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 500_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 200)
  await swarm.addComplete('origin', sample)
  const node = await swarm.add('node')
  await swarm.connect('node', 'origin')
  const joining = swarm.join(node, sample, { patienceMs: 20_000 })
  joining.catch(() => {})
  await swarm.clock.runUntil(() => count(node, 'chunk-received') > 20)
  swarm.network.crash('origin')
  swarm.members.delete('origin')
  await assert.rejects(
    swarm.settle(joining),
    (error) => error instanceof SwarmError && error.fault.code === 'NO_SOURCE' && error.fault.reason === 'no-source',
  )
  assert.ok(node.events.some((event) => event.type === 'download-stalled' && event.reason === 'no-source'))
  await swarm.stop()
})

test('a download goes on when a source comes back', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 500_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 200)
  await swarm.addComplete('origin', sample)
  const node = await swarm.add('node')
  await swarm.connect('node', 'origin')
  const joining = swarm.join(node, sample)
  await swarm.clock.runUntil(() => count(node, 'chunk-received') > 20)
  swarm.network.crash('origin')
  await swarm.clock.advance(10_000)
  await swarm.addComplete('origin', sample)
  await swarm.connect('node', 'origin')
  await swarm.settle(joining)
  await assertHolds(node, sample)
  assert.equal(count(node, 'download-resumed'), 1)
  await swarm.stop()
})

// Goal: nodes that join at once are all served while peers ask the same origin for everything and read nothing; those are cut off.
// Method: 1 origin, 8 nodes, 3 peers that speak the exchange protocol and never receive. Replay: SEED=42 npm test
test('nodes join beside peers that never read', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 2_000_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 400)
  const origin = await swarm.addComplete('origin', sample)
  const cids = Array.from({ length: sample.index.chunksCount }, (_, chunk) => sample.index.chunkCid(chunk))
  const never = ['x', 'y', 'z'].map((name) => swarm.network.createTransport(name))
  for (const transport of never) {
    await swarm.settle(transport.dial(origin.transport.addresses()[0]!))
    const channel = await swarm.settle(transport.open('origin', EXCHANGE_PROTOCOL))
    for (let id = 0; id * WANT_CHUNKS_MAX < cids.length; id++) {
      const wanted = cids.slice(id * WANT_CHUNKS_MAX, (id + 1) * WANT_CHUNKS_MAX)
      await swarm.settle(channel.send(encodeExchange({ type: 'want', id, deadlineMs: 600_000, cids: wanted })))
    }
  }
  const nodes = await Promise.all(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => swarm.add(name)))
  for (const node of nodes) await swarm.connect(node.name, 'origin')
  await swarm.settle(Promise.all(nodes.map((node) => swarm.join(node, sample))))
  for (const node of nodes) await assertHolds(node, sample)
  await swarm.clock.runUntil(() => count(origin, 'slow-reader-dropped') === never.length)
  const dropped = origin.events.flatMap((event) => (event.type === 'slow-reader-dropped' ? [event.peer] : []))
  assert.deepEqual(dropped.toSorted(), ['x', 'y', 'z'])
  const loads = origin.events.filter((event) => event.type === 'serving-load')
  assert.ok(loads.every(({ bytesHeld }) => bytesHeld <= SERVING_LIMITS.bytesMax))
  assert.deepEqual(loads.at(-1), { type: 'serving-load', blocksQueued: 0, bytesHeld: 0 })
  for (const transport of never) await swarm.settle(transport.stop())
  await swarm.stop()
})

/** Serves `store` with one byte of `victim` flipped. */
function flipping(store: BlockSource, victim: CID): BlockSource {
  return {
    has: (cid) => store.has(cid),
    get: async (cid) => {
      const frame = await store.get(cid)
      if (frame === undefined || !cid.equals(victim)) return frame
      return encodeFrame(new Uint8Array(16 * 1024), { compress: false }).fill(1, 1)
    },
  }
}
