import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { generateFlatFile } from '../datasets/index.ts'
import { Daemon } from './daemon.ts'
import { LEDGER, Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

const STATE_BYTES = 12 * 1024 ** 2

interface DiffEvent {
  readonly deltas: string
  readonly plan: {
    readonly reuse: { readonly chunks: number }
    readonly delta: { readonly chunks: number; readonly frameBytes: number; readonly bytes: number }
    readonly whole: { readonly chunks: number }
    readonly fetchBytesMax: number
  }
}

describe('an update with bytes inserted all over', () => {
  let scene: Scene
  let workspace: string
  let origin: Daemon
  let cache: Daemon
  before(async () => {
    scene = await Scene.create()
    workspace = await scene.init()
    for (const version of [1, 2] as const) {
      await mkdir(scene.path(`v${version}`))
      await generateFlatFile({ path: scene.path(`v${version}`, 'blocks'), bytes: STATE_BYTES, seed: 1, version, insertions: 30 })
    }
    await scene.publish(workspace, scene.path('v1'), 1)
    origin = await scene.origin(workspace)
    cache = await scene.cache(workspace, [origin], scene.path('store'))
    await cache.process.event('mirror-complete')
  })
  after(() => scene[Symbol.asyncDispose]())

  const diff = async (from: number, to: number, peer: Daemon): Promise<DiffEvent> => {
    const trust = ['--trust', `${workspace}/root.json`, '--peer', peer.address]
    const process = await scene.succeed('diff', `${LEDGER}@${from}`, `${LEDGER}@${to}`, ...trust)
    return (await process.event('diff')) as unknown as DiffEvent
  }

  it('costs a cache that has the version before about what was inserted', async () => {
    await scene.publish(workspace, scene.path('v2'), 2)
    const complete = await cache.process.event('mirror-complete', ({ height }) => height === 2)
    const received = Number(complete['receivedBytes'])
    assert(received < STATE_BYTES / 200, `${received} bytes`)
  })

  it('is told before it is fetched, by the origin and by the cache', async () => {
    for (const peer of [origin, cache]) {
      const { deltas, plan } = await diff(1, 2, peer)
      assert.equal(deltas, 'ready')
      assert(plan.delta.chunks > 10)
      assert.equal(plan.whole.chunks, 0)
      assert(plan.delta.frameBytes < STATE_BYTES / 200, `${plan.delta.frameBytes} bytes`)
      assert.equal(plan.fetchBytesMax, plan.delta.frameBytes)
    }
  })

  it('has a way back as soon as somebody asks for it', async () => {
    const { deltas, plan } = await diff(2, 1, origin)
    assert.equal(deltas, 'ready')
    assert(plan.delta.chunks > 10)
    assert.equal(await origin.metric('cairn_delta_sets_made_total'), 1)
  })

  it('is asked of the origin, which has deltas, and not of a node that joined whole', async () => {
    const [release, into] = [`${LEDGER}@2`, scene.path('updated')]
    const whole = await Daemon.ready(scene.join({ workspace, peers: [origin], release, into: scene.path('whole'), flags: ['--stay'] }))
    await whole.process.event('joined')
    await scene.join({ workspace, peers: [origin], release: `${LEDGER}@1`, into }).succeeded()
    const update = scene.join({ workspace, peers: [whole, origin], release, into })
    await update.succeeded()
    const received = update.eventsOf('chunk-received')
    const ofWhole = received.filter(({ peer }) => peer === whole.peer)
    // What it may be asked for before the origin has said what it offers.
    assert.ok(ofWhole.length <= 2, `${ofWhole.length} of ${received.length}`)
    assert.ok(received.length > 10)
    await assertSameTree(into, scene.path('v2'))
    await whole.process.stop()
  })

  it('leaves the cache with chunks that need no others', async () => {
    await origin.process.stop()
    await scene.join({ workspace, peers: [cache], into: scene.path('joined') }).succeeded()
    await assertSameTree(scene.path('joined'), scene.path('v2'))
  })
})
