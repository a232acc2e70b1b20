import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readdirSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chunkCid, type CID, encodeDelta, sha256, type SnapshotIndex } from '@cairn/protocol'
import { MemoryBlockStore } from '@cairn/storage'
import { type DeltaSource, ReceivedDeltas } from '@cairn/swarm'
import { BoundedStore } from '../src/bounded-store.ts'
import { DELTAS_SHARE_MAX } from '../src/limits.ts'
import { World } from './harness.ts'
import { CHUNK_BYTES, chunkOf, range } from './snapshots.ts'

const CHUNKS = 8
const PLAIN_BYTES = CHUNKS * (CHUNK_BYTES + 1)

describe('a cache that holds the release before', () => {
  it('fetches deltas, stores what they make, and hands them on', async () => {
    await using world = await World.create()
    const { old, next, deltas } = await stage(world)
    const store = new MemoryBlockStore()
    const { cache, events } = await world.cache('cache', store)
    await world.until(() => cache.ready().ready)
    world.publish(old, next)
    await world.until(() => completed(events).length === 2)
    const received = completed(events)[1]!.receivedBytes
    assert(received < PLAIN_BYTES / 10, `${received} bytes`)
    assert.equal(deltas.givenCount, CHUNKS)
    // What is stored needs no other chunk.
    for (const number of range(0, CHUNKS)) {
      const digest = sha256(chunkOf(number + 0.5))
      assert.equal((await store.get(chunkCid(digest)))?.[0], 0)
    }
    assert.equal(await world.join('whole', 'cache', next), PLAIN_BYTES)
    const joined = await world.join('follower', 'cache', next, old)
    assert(joined < PLAIN_BYTES / 10, `${joined} bytes`)
    assert.equal(deltas.givenCount, CHUNKS, 'the origin was not asked again')
  })

  it('forgets them with the release that they lead to', async () => {
    await using world = await World.create()
    const { old, next } = await stage(world)
    const { cache, events } = await world.cache('cache', new MemoryBlockStore())
    await world.until(() => cache.ready().ready)
    world.publish(old, next)
    await world.until(() => completed(events).length === 2)
    const path = join(world.path, 'cache', 'deltas')
    assert.equal(readdirSync(path).length, 1)
    world.publish(old)
    await world.until(() => readdirSync(path).length === 0)
    assert(events.some((event) => event.type === 'evicted' && event.height === 2))
  })

  it('still has them after a restart, and drops a file that was damaged', async () => {
    await using world = await World.create()
    const { old, next } = await stage(world)
    const store = new MemoryBlockStore()
    const first = await world.cache('cache', store)
    await world.until(() => first.cache.ready().ready)
    world.publish(old, next)
    await world.until(() => completed(first.events).length === 2)
    await world.settle(first.cache.stop())
    const again = await world.cache('cache', store)
    assert((await world.join('follower', 'cache', next, old)) < PLAIN_BYTES / 10)
    await world.settle(again.cache.stop())
    const [name] = await readdir(join(world.path, 'cache', 'deltas'))
    await writeFile(join(world.path, 'cache', 'deltas', name!), 'nothing')
    const third = await world.cache('cache', store)
    assert.equal(await world.join('later', 'cache', next, old), PLAIN_BYTES)
    assert(third.events.some(({ type }) => type === 'deltas-damaged'))
    assert.deepEqual(await readdir(join(world.path, 'cache', 'deltas')), [])
  })
})

describe('deltas beside blocks', () => {
  it('give way to blocks, the ones being written last', async () => {
    await using world = await World.create()
    const path = join(world.path, 'deltas')
    const [old, next] = [await world.snapshot('alpha', 1, [1, 2]), await world.snapshot('alpha', 2, [1.5, 2.5])]
    const capacityBytes = 3 * CHUNK_BYTES
    await using deltas = await ReceivedDeltas.open({ path, bytesMax: capacityBytes * DELTAS_SHARE_MAX, onDamaged: () => assert.fail() })
    const store = new BoundedStore(new MemoryBlockStore(), capacityBytes, deltas)
    const keep = async (from: CID): Promise<void> => {
      await using keeping = await deltas.begin(next, from)
      await keeping.keep(0, new Uint8Array(1000))
      await keeping.finish()
    }
    await keep(old.cid)
    assert.equal((await deltas.offer(next.cid, old.cid)).state, 'ready')
    await using unfinished = await deltas.begin(old, next.cid)
    await unfinished.keep(1, new Uint8Array(1000))
    await store.put(chunkCid(sha256(chunkOf(1))), new Uint8Array(CHUNK_BYTES))
    assert.equal((await deltas.offer(next.cid, old.cid)).state, 'ready', 'there is room for all')
    await store.put(chunkCid(sha256(chunkOf(2))), new Uint8Array(2 * CHUNK_BYTES - 1200))
    assert.equal((await deltas.offer(next.cid, old.cid)).state, 'none')
    assert(deltas.totalBytes > 1000 && store.totalBytes + deltas.totalBytes <= capacityBytes)
    await store.put(chunkCid(sha256(chunkOf(3))), new Uint8Array(1200))
    assert.equal(deltas.totalBytes, 0)
    await unfinished.keep(0, new Uint8Array(10))
    await unfinished.finish()
    assert.deepEqual(await readdir(path), [])
  })

  it('take no more than their share', async () => {
    await using world = await World.create()
    const index = await world.snapshot('alpha', 1, [1, 2])
    const capacityBytes = 16 * 1024
    await using deltas = await ReceivedDeltas.open({
      path: join(world.path, 'deltas'),
      bytesMax: capacityBytes * DELTAS_SHARE_MAX,
      onDamaged: () => assert.fail(),
    })
    await using keeping = await deltas.begin(index, index.cid)
    await keeping.keep(0, new Uint8Array(1000))
    await keeping.keep(1, new Uint8Array(1000))
    await keeping.finish()
    const offer = await deltas.offer(index.cid, index.cid)
    assert(offer.state === 'ready')
    assert.deepEqual(offer.sizes, new Map([[0, 1000]]))
  })
})

interface Stage {
  readonly old: SnapshotIndex
  readonly next: SnapshotIndex
  readonly deltas: Deltas
}

/** An origin with a release, and one after it in which each chunk differs in a bit. */
async function stage(world: World): Promise<Stage> {
  const old = await world.snapshot('alpha', 1, range(0, CHUNKS))
  const next = await world.snapshot(
    'alpha',
    2,
    range(0, CHUNKS).map((number) => number + 0.5),
  )
  world.publish(old)
  const deltas = new Deltas(old.cid)
  await world.origin('origin', [old, next], { deltas })
  return { old, next, deltas }
}

class Deltas implements DeltaSource {
  givenCount = 0
  readonly #from: CID
  readonly #frames = new Map<string, Uint8Array>()

  constructor(from: CID) {
    this.#from = from
    for (const number of range(0, CHUNKS)) {
      const base = chunkOf(number)
      const plain = chunkOf(number + 0.5)
      this.#frames.set(
        chunkCid(sha256(plain)).toString(),
        encodeDelta(plain, [{ digest: sha256(base), plain: base }], [{ base: 0, offset: 0, bytes: base.byteLength }]),
      )
    }
  }

  async delta(cid: CID, basis: readonly CID[]): Promise<Uint8Array | undefined> {
    const frame = basis.some((snapshot) => snapshot.equals(this.#from)) ? this.#frames.get(cid.toString()) : undefined
    if (frame !== undefined) this.givenCount += 1
    return frame
  }

  offer(): Promise<{ readonly state: 'none' }> {
    return Promise.resolve({ state: 'none' })
  }
}

function completed<Event extends { readonly type: string }>(
  events: readonly Event[],
): Extract<Event, { readonly type: 'mirror-complete' }>[] {
  return events.filter((event): event is Extract<Event, { readonly type: 'mirror-complete' }> => event.type === 'mirror-complete')
}
