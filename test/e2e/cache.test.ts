// Goal: a cache serves a region in the origin's stead, keeps to its capacity, and a restart costs nothing.
// Method: origin, cache and nodes as processes on loopback.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { generateFlatFile, generateLedger } from '../datasets/index.ts'
import { fetchedBytes, Scene } from './harness.ts'
import { assertSameTree, treeBytes } from './trees.ts'

const MIB = 1024 ** 2
const SNAPSHOT_BYTES = 64 * MIB
const NODES = 3

describe('a cache', () => {
  let data: Scene
  let workspace: string
  let bytes: number
  let chunks: number
  before(async () => {
    data = await Scene.create()
    await generateLedger({ path: data.path('ledger'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    workspace = await data.init()
    ;({ bytes, chunks } = await data.publish(workspace, data.path('ledger'), 1, '--bootstrap', 'MANIFEST*'))
  })
  after(() => data[Symbol.asyncDispose]())

  it(`feeds ${NODES} nodes at once in the origin's stead`, async () => {
    await using scene = await Scene.create()
    const origin = await scene.origin(workspace)
    const cache = await scene.cache(workspace, [origin], scene.path('store'))
    await cache.process.event('mirror-complete')
    assert.equal((await fetch(`${cache.http}/readyz`)).status, 200)
    // Nodes that know the cache would learn of the origin from it.
    await origin.process.stop()
    const targets = Array.from({ length: NODES }, (_, i) => scene.path(`joined-${i}`))
    const nodes = targets.map((into) => scene.join({ workspace, peers: [cache], into }))
    await Promise.all(nodes.map((node) => node.succeeded()))
    for (const target of targets) await assertSameTree(target, data.path('ledger'))
  })

  for (const end of ['stopped', 'killed'] as const) {
    it(`that is ${end} and started again downloads nothing again`, async () => {
      await using scene = await Scene.create()
      const origin = await scene.origin(workspace)
      const first = await scene.cache(workspace, [origin], scene.path('store'))
      await first.process.event('mirror-complete')
      if (end === 'stopped') assert.equal((await first.process.stop()).exitCode, 0)
      else await first.process.kill()
      const sentBytes = await origin.metric('cairn_served_bytes_total')

      const second = await scene.cache(workspace, [origin], scene.path('store'))
      assert.equal((await second.process.event('serving'))['snapshots'], 1)
      assert.equal(second.peer, first.peer)
      await second.process.event('metadata-refreshed')
      assert.equal(await origin.metric('cairn_served_bytes_total'), sentBytes)
      await scene.join({ workspace, peers: [second], into: scene.path('joined') }).succeeded()
      await assertSameTree(scene.path('joined'), data.path('ledger'))
      assert.equal(await second.metric('cairn_received_bytes_total'), 0)
    })
  }

  it('that is killed half-way goes on where it was', async (context) => {
    await using scene = await Scene.create()
    const origin = await scene.origin(workspace)
    const first = await scene.cache(workspace, [origin], scene.path('store'))
    await first.process.until('a quarter of the chunks', () =>
      first.process.eventsOf('chunk-received').length > chunks / 4 ? true : undefined,
    )
    await first.process.kill()
    const second = await scene.cache(workspace, [origin], scene.path('store'))
    await second.process.event('mirror-complete')
    const share = fetchedBytes(first.process, second.process) / bytes
    context.diagnostic(`fetched ${share.toFixed(3)} of the snapshot`)
    assert.ok(share <= 1.1, `fetched ${share} of the snapshot`)
    await scene.join({ workspace, peers: [second], into: scene.path('joined') }).succeeded()
    await assertSameTree(scene.path('joined'), data.path('ledger'))
  })

  it('keeps to its capacity, and keeps the newest', async () => {
    await using scene = await Scene.create()
    const [own, capacityBytes] = [await scene.init('own'), 24 * MIB]
    const origin = await scene.origin(own)
    const cache = await scene.cache(own, [origin], scene.path('store'), '--capacity', `${capacityBytes / MIB}MiB`)
    const heights = [1, 2, 3, 4, 5]
    for (const height of heights) {
      const state = scene.path(`state-${height}`)
      await mkdir(state)
      await generateFlatFile({ path: scene.path(`state-${height}`, 'file'), bytes: 12 * MIB, seed: height, version: 1, insertions: 0 })
      await scene.publish(own, state, height)
      await cache.process.event('mirror-complete', (event) => event['height'] === height)
      const bytes = await treeBytes(scene.path('store'))
      assert.ok(bytes <= capacityBytes * 1.01, `the store takes ${bytes} bytes at height ${height}`)
    }
    const ascending = (heights: readonly number[]): number[] => heights.toSorted((a, b) => a - b)
    const kept = ascending((await cache.status()).snapshots.map(({ height }) => height))
    const evicted = cache.process.eventsOf('evicted').map(({ height }) => Number(height))
    assert.deepEqual(ascending([...evicted, ...kept]), heights)
    assert.deepEqual(kept.slice(-2), [4, 5])
    assert.ok(evicted.length > 0)
    await origin.process.kill()
    await scene.join({ workspace: own, peers: [cache], into: scene.path('joined') }).succeeded()
    await assertSameTree(scene.path('joined'), scene.path('state-5'))
  })
})
