import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, silentLog, sleep } from '@cairn/runtime'
import { MemoryBlockStore, type SnapshotSink } from '@cairn/storage'
import { BlockStoreSink, Participant, type SwarmEvent } from '../src/index.ts'
import { LEDGER, type Member, NETWORK, sampleSnapshot, TestSwarm } from './harness.ts'

const SEED = process.env['SEED'] ?? '42'

function paceOf(events: readonly SwarmEvent[]): readonly string[] {
  return events.flatMap((event) => {
    if (event.type === 'download-slowed') return [event.reason]
    return event.type === 'download-recovered' ? ['recovered'] : []
  })
}

// Goal: a disk that hangs for a while is named, and asked less of until it is back.
test('a download says that the disk is slow, once, and that it is not any more', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 1_000_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 600)
  await swarm.addComplete('origin', sample)
  const node = await swarm.add('node')
  await swarm.connect('node', 'origin')
  const store = new BlockStoreSink(sample.index, node.store)
  let delivered = 0
  const sink: SnapshotSink = {
    have: store.have,
    async deliver(chunk, frame) {
      delivered += 1
      if (delivered > 50 && delivered <= 60) await sleep(swarm.clock, 2_500)
      await store.deliver(chunk, frame)
    },
  }
  await swarm.settle(node.participant.download({ index: sample.index, sink }))
  assert.deepEqual(paceOf(node.events).slice(0, 2), ['disk-slow', 'recovered'])
  assert.ok(store.have.isFull())
  await swarm.stop()
})

// Goal: an event loop that lags is named. Method: time jumps by 300 ms before each of the node's timers.
test('a download says that this machine is busy', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 2_000_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 300)
  await swarm.addComplete('origin', sample)
  const store = new MemoryBlockStore()
  const events: SwarmEvent[] = []
  const transport = swarm.network.createTransport('busy')
  let lagMs = 0
  const clock = {
    now: () => swarm.clock.now(),
    monotonicMs: () => swarm.clock.monotonicMs() + lagMs,
    setTimer: (delayMs: number, callback: () => void) =>
      swarm.clock.setTimer(delayMs, () => {
        lagMs += 300
        callback()
      }),
  }
  const participant = await Participant.start(
    { network: NETWORK, ledgers: [LEDGER], source: store, metadata: async () => undefined },
    { transport, clock, random: seededRandom(SEED), log: silentLog, reporter: { report: (event) => events.push(event) } },
  )
  const busy: Member = { name: 'busy', transport, participant, store, events }
  swarm.members.set('busy', busy)
  await swarm.connect('busy', 'origin')
  await swarm.settle(participant.download({ index: sample.index, sink: new BlockStoreSink(sample.index, store) }))
  assert.deepEqual(paceOf(events), ['host-busy'])
  await swarm.stop()
})

test('a download of a stage fetches its chunks and those before, and no other', async () => {
  const swarm = new TestSwarm(SEED)
  const sample = await sampleSnapshot(seededRandom(SEED), 40)
  await swarm.addComplete('origin', sample)
  const node = await swarm.add('node')
  await swarm.connect('node', 'origin')
  const sink = new BlockStoreSink(sample.index, node.store)
  await swarm.settle(node.participant.download({ index: sample.index, sink, stage: 'hot' }))
  assert.deepEqual([...sink.have.indices()], [...sample.index.stageChunks('bootstrap')])
  const started = node.events.find((event) => event.type === 'download-started')
  assert.deepEqual([started?.chunksCount, started?.bytes], [1, sample.index.chunkBytes(0)])
  await swarm.stop()
})

// Goal: a sink slower than its sources holds them back, and what it has not placed does not pile up in memory.
// Method: three sources of 50 MB/s each, a sink that places one chunk after the other at 8 MB/s; what has come and is not placed is counted.
test('a sink slower than its sources bounds what waits for it', async () => {
  const swarm = new TestSwarm(SEED, { bytesPerSecond: 50_000_000 })
  const sample = await sampleSnapshot(seededRandom(SEED), 1600)
  const sources = ['a', 'b', 'c']
  for (const name of sources) await swarm.addComplete(name, sample)
  const node = await swarm.add('node')
  for (const name of sources) await swarm.connect('node', name)
  const store = new BlockStoreSink(sample.index, node.store)
  let unplacedBytesMax = 0
  let last: Promise<void> = Promise.resolve()
  const sink: SnapshotSink = {
    have: store.have,
    deliver(chunk, frame) {
      unplacedBytesMax = Math.max(unplacedBytesMax, bytesOf(node.events, 'chunk-arrived') - bytesOf(node.events, 'chunk-received'))
      last = last.then(() => sleep(swarm.clock, 2)).then(() => store.deliver(chunk, frame))
      return last
    },
  }
  await swarm.settle(node.participant.download({ index: sample.index, sink }))
  assert.ok(store.have.isFull())
  // What the scheduler lets wait, and what was on its way when it stopped asking: the least window of each source and a request.
  const bytesMax = (4 + sources.length * 2) * 1024 ** 2
  assert.ok(unplacedBytesMax <= bytesMax, `${unplacedBytesMax} bytes waited to be placed`)
  assert.ok(sample.index.root.totals.bytes > 2 * bytesMax, 'the sources had more to give')
  await swarm.stop()
})

function bytesOf(events: readonly SwarmEvent[], type: 'chunk-arrived' | 'chunk-received'): number {
  return events.reduce((sum, event) => (event.type === type ? sum + event.plainBytes : sum), 0)
}
