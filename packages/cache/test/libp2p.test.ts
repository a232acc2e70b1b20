import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createLibp2pTransport } from '@cairn/network'
import { Bitmap } from '@cairn/protocol'
import { seededRandom, silentLog, systemClock, systemRandom } from '@cairn/runtime'
import { MemoryBlockStore, StorageError } from '@cairn/storage'
import { Participant } from '@cairn/swarm'
import { Cache, type CacheEvent, type CacheInit } from '../src/index.ts'
import { count } from './harness.ts'
import { TestRepository } from './repository.ts'
import { makeSnapshot, NETWORK, range, releaseOf } from './snapshots.ts'

const COMPONENTS = { clock: systemClock, random: systemRandom, log: silentLog }
const LISTEN = ['/ip4/127.0.0.1/tcp/0']

// Goal: on the real transport and a real disk, a cache that was filled, stopped and started again fills another one by itself.
test('mirrors over libp2p, restarts from disk, and stands in for the origin', async () => {
  await using cleanup = new AsyncDisposableStack()
  const path = await mkdtemp(join(tmpdir(), 'cairn-cache-'))
  cleanup.defer(() => rm(path, { recursive: true }))
  const repository = new TestRepository(() => Date.now())
  const published = new MemoryBlockStore()
  const index = await makeSnapshot(published, 'alpha', 1, range(0, 50))
  repository.publish('alpha', [releaseOf(index)])

  const origin = cleanup.use(new AsyncDisposableStack())
  const transport = await createLibp2pTransport({ privateKey: seededKey('origin'), listen: LISTEN, clock: systemClock, log: silentLog })
  origin.defer(() => transport.stop())
  const participant = await Participant.start(
    { network: NETWORK, ledgers: ['alpha'], source: published, metadata: repository.metadata },
    { ...COMPONENTS, transport, reporter: { report() {} } },
  )
  origin.use(participant)
  participant.hold(index.cid, 'alpha', Bitmap.full(index.chunksCount))

  const start = async (name: string, peers: readonly string[], events: CacheEvent[] = []): Promise<Cache> => {
    const init: CacheInit = { trustRoot: repository.root, peers, storePath: join(path, name), network: NETWORK, listen: LISTEN }
    return Cache.start(init, { ...COMPONENTS, reporter: { report: (event) => events.push(event) } })
  }
  const filled = cleanup.use(await start('first', transport.addresses()))
  await until(() => filled.ready().ready)
  await assert.rejects(start('first', []), (error) => error instanceof StorageError && error.fault.code === 'LOCKED')
  const peer = filled.status().peer
  await filled.stop()
  await origin.disposeAsync()

  const events: CacheEvent[] = []
  const first = cleanup.use(await start('first', [], events))
  assert.equal(first.ready().ready, true)
  assert.equal(first.status().peer, peer)
  const second = cleanup.use(await start('second', first.addresses))
  await until(() => second.ready().ready)
  assert.equal(second.status().storeBytes, first.status().storeBytes)
  assert.equal(count(events, 'chunk-received'), 0)
})

function seededKey(name: string): Uint8Array {
  const random = seededRandom(name)
  return Uint8Array.from({ length: 32 }, () => random.u32() & 0xff)
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10)
    })
  }
}
