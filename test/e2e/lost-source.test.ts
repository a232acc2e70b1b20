// Goal: sources come and go, and a join goes on as long as one is left; without any it says what it waits for, and ends when told to.
// Method: real processes that get `kill -9` at a point of the join, which its events tell.
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { generateLedger } from '../datasets/index.ts'
import type { CairnProcess } from './cairn-process.ts'
import type { Daemon } from './daemon.ts'
import { assertFails } from './failures.ts'
import { LEDGER, Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

const SNAPSHOT_BYTES = 64 * 1024 ** 2

// Some of the time goes into waits for a timeout.
describe('a join whose sources vanish', { concurrency: 2 }, () => {
  let data: Scene
  let workspace: string
  let chunks: number
  before(async () => {
    data = await Scene.create()
    await generateLedger({ path: data.path('ledger'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    workspace = await data.init()
    chunks = (await data.publish(workspace, data.path('ledger'), 1, '--bootstrap', 'MANIFEST*')).chunks
  })
  after(() => data[Symbol.asyncDispose]())

  describe('with a complete cache', { concurrency: 1 }, () => {
    let scene: Scene
    let origin: Daemon
    let cache: Daemon
    beforeEach(async () => {
      scene = await Scene.create()
      origin = await scene.origin(workspace)
      cache = await scene.cache(workspace, [origin], scene.path('store'))
      await cache.process.event('mirror-complete')
    })

    it('is served by the cache alone when the origin is gone', async () => {
      await using _ = scene
      await origin.process.kill()
      const node = scene.join({ workspace, peers: [origin, cache], into: scene.path('joined') })
      await node.succeeded()
      await assertSameTree(scene.path('joined'), data.path('ledger'))
      assert.deepEqual(sourcesOf(node), [cache.peer])
    })

    it('goes on with the origin when the cache is killed half-way', async () => {
      await using _ = scene
      const node = scene.join({ workspace, peers: [origin, cache], into: scene.path('joined') })
      await node.event('chunk-received', ({ peer }) => peer === cache.peer)
      await received(node, chunks / 4)
      await cache.process.kill()
      await node.succeeded()
      await assertSameTree(scene.path('joined'), data.path('ledger'))
      assert.deepEqual(sourcesOf(node), [cache.peer, origin.peer].toSorted())
    })
  })

  it('says what it waits for when every source is gone, gives up after --timeout, and resumes when one is back', async () => {
    await using scene = await Scene.create()
    const origin = await scene.origin(workspace)
    const into = scene.path('joined')
    const node = scene.join({ workspace, peers: [origin], into, flags: ['--timeout', '4s', '--http', '127.0.0.1:0'] })
    await received(node, chunks / 4)
    await origin.process.kill()
    assert.equal((await node.event('download-stalled'))['reason'], 'no-source')
    await assertFails(node, { exitCode: 4, code: 'NO_SOURCE', message: /within 4 s: no source is connected/ })

    const back = await scene.origin(workspace)
    const again = scene.join({ workspace, peers: [back], into })
    await again.succeeded()
    await assertSameTree(into, data.path('ledger'))
    const held = Number((await again.event('resumed'))['chunksHeld'])
    assert.ok(held >= node.eventsOf('chunk-received').length, `${held} chunks were still there`)
  })

  it('goes on by itself when its only source comes back in time', async () => {
    await using scene = await Scene.create()
    const origin = await scene.origin(workspace)
    const node = scene.join({ workspace, peers: [origin], into: scene.path('joined') })
    await received(node, chunks / 4)
    await origin.process.kill()
    const address = origin.address.split('/p2p/')[0]!
    await scene.origin(workspace, '--listen', address)
    await node.succeeded()
    await assertSameTree(scene.path('joined'), data.path('ledger'))
  })

  it('tells people the reason of a stall', async () => {
    await using scene = await Scene.create()
    const origin = await scene.origin(workspace)
    const args = ['--into', scene.path('joined'), '--trust', `${workspace}/root.json`, '--peer', origin.address, '--timeout', '4s']
    const node = scene.start({ args: ['join', LEDGER, ...args] })
    await node.until('its first stage', () => /^stage bootstrap is in place/m.exec(node.stderr) ?? undefined)
    await origin.process.kill()
    assert.equal((await node.exit()).exitCode, 4)
    assert.match(node.stderr, /^waiting: no source is connected$/m)
    assert.match(node.stderr, /^cairn: no usable source for snapshot \w+ within 4 s: no source is connected$/m)
  })

  it('tells people that nobody answers', async () => {
    await using scene = await Scene.create()
    const origin = await scene.origin(workspace)
    await origin.process.kill()
    const args = ['--into', scene.path('joined'), '--trust', `${workspace}/root.json`, '--peer', origin.address, '--timeout', '2s']
    const node = scene.start({ args: ['join', LEDGER, ...args] })
    assert.equal((await node.exit()).exitCode, 4)
    assert.match(node.stderr, /^cannot reach .*: connection refused$/m)
    assert.match(node.stderr, /^cairn: no usable source for metadata of mainnet within 2 s: no source is connected$/m)
  })
})

/** Resolves as soon as `node` has received `count` chunks. */
async function received(node: CairnProcess, count: number): Promise<void> {
  await node.until(`${count} chunks`, () => (node.eventsOf('chunk-received').length >= count ? true : undefined))
}

/** Peers that `node` received chunks from. */
function sourcesOf(node: CairnProcess): readonly string[] {
  return [...new Set(node.eventsOf('chunk-received').map(({ peer }) => String(peer)))].toSorted()
}
