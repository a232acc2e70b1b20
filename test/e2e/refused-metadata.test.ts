// Goal: metadata that is forged, damaged, expired, old or somebody else's is refused, in one sentence, whoever serves it.
// Method: copies of one workspace with a file changed, served by a process that does not look at what it serves.
import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { createSigner, newTimestamp } from '@cairn/trust'
import { assertFails } from './failures.ts'
import { LEDGER, Scene } from './harness.ts'
import { assertSameTree, readTree } from './trees.ts'

const HOUR_MS = 60 * 60 * 1000

// Most of the time goes into waits: a node gives other peers some seconds before it believes a refusal.
describe('metadata is refused', { concurrency: 4 }, () => {
  let data: Scene
  let published: string
  before(async () => {
    data = await Scene.create()
    await mkdir(data.path('state'))
    await writeFile(data.path('state', 'file'), 'the state of a small ledger')
    published = await data.init()
    await data.publish(published, data.path('state'), 1)
  })
  after(() => data[Symbol.asyncDispose]())

  /** A copy of the workspace, so that it can be damaged. */
  async function copyTo(scene: Scene): Promise<string> {
    await cp(published, scene.path('workspace'), { recursive: true })
    return scene.path('workspace')
  }

  it('of another publisher than the given root.json names', async () => {
    await using scene = await Scene.create()
    const stranger = await scene.init('stranger')
    const origin = await scene.origin(published)
    const [into, flags] = [scene.path('joined'), ['--trust', join(stranger, 'root.json')]]
    const node = scene.join({ workspace: published, peers: [origin], into, flags })
    await assertFails(node, { exitCode: 3, code: 'FORGED', message: /timestamp\.json is not signed/ })
    assert.deepEqual(await readTree(into), {})
    await scene.join({ workspace: published, peers: [origin], into: scene.path('other') }).succeeded()
  })

  for (const [damage, change] of [
    ['truncated', (bytes: Buffer) => bytes.subarray(0, bytes.byteLength / 2)],
    ['bit-flipped', flipBit],
  ] as const) {
    it(`when the given root.json is ${damage}`, async () => {
      await using scene = await Scene.create()
      await writeFile(scene.path('root.json'), change(await readFile(join(published, 'root.json'))))
      const [into, flags] = [scene.path('joined'), ['--trust', scene.path('root.json')]]
      const node = scene.join({ workspace: published, peers: ['/ip4/127.0.0.1/tcp/1'], into, flags })
      await assertFails(node, { exitCode: 3, code: damage === 'truncated' ? 'MALFORMED' : 'FORGED', message: /root\.json/ })
    })

    for (const file of ['timestamp.json', 'snapshot.json', 'targets.json', `${LEDGER}.json`]) {
      it(`when a source's ${file} is ${damage}`, async () => {
        await using scene = await Scene.create()
        const workspace = await copyTo(scene)
        const origin = await scene.faultyOrigin(workspace, 'none')
        const path = join(workspace, 'metadata', file)
        await writeFile(path, change(await readFile(path)))
        const node = scene.join({ workspace, peers: [origin], into: scene.path('joined') })
        // The timestamp is all that is known of the others, so their damage shows as a wrong length or hash.
        const code = file !== 'timestamp.json' ? 'MIXED' : damage === 'truncated' ? 'MALFORMED' : 'FORGED'
        await assertFails(node, { exitCode: 3, code, message: new RegExp(file.replace('.', '\\.')) })
        assert.deepEqual(await readTree(scene.path('joined')), {})
      })
    }
  }

  it('when an origin finds its own damaged, and does not serve it', async () => {
    await using scene = await Scene.create()
    const workspace = await copyTo(scene)
    await writeFile(join(workspace, 'metadata', 'timestamp.json'), flipBit(await readFile(join(workspace, 'metadata', 'timestamp.json'))))
    await assertFails(scene.cairn('origin', '--workspace', workspace), { exitCode: 3, code: 'FORGED', message: /timestamp\.json/ })
  })

  it('when it has expired, until the origin has the key to sign again', async () => {
    await using scene = await Scene.create()
    const workspace = await copyTo(scene)
    const key = join(workspace, 'keys', 'online.pem')
    await expireTimestamp(workspace, key)
    await rename(key, `${key}.away`)
    const origin = await scene.origin(workspace)
    const { ready, reason } = await origin.status()
    assert.equal(ready, false)
    assert.match(reason, /timestamp\.json expired/)
    const into = scene.path('joined')
    const node = scene.join({ workspace, peers: [origin], into })
    await assertFails(node, { exitCode: 3, code: 'EXPIRED', message: /timestamp\.json .*expired/ })
    assert.deepEqual(await readTree(into), {})

    await rename(`${key}.away`, key)
    await origin.process.event('timestamp-renewed')
    await scene.join({ workspace, peers: [origin], into }).succeeded()
    await assertSameTree(into, data.path('state'))
  })

  it('when it is older than what was seen before', async () => {
    await using scene = await Scene.create()
    const workspace = await copyTo(scene)
    await cp(join(workspace, 'metadata'), scene.path('old'), { recursive: true })
    await cp(data.path('state'), scene.path('state'), { recursive: true })
    await writeFile(scene.path('state', 'file'), 'a newer state')
    await scene.publish(workspace, scene.path('state'), 2)
    const origin = await scene.origin(workspace)
    const into = scene.path('joined')
    await scene.join({ workspace, peers: [origin], into }).succeeded()
    await assertSameTree(into, scene.path('state'))
    await origin.process.kill()

    await rm(join(workspace, 'metadata'), { recursive: true })
    await rename(scene.path('old'), join(workspace, 'metadata'))
    const replaying = await scene.faultyOrigin(workspace, 'none')
    const node = scene.join({ workspace, peers: [replaying], into })
    await assertFails(node, { exitCode: 3, code: 'ROLLED_BACK', message: /timestamp\.json/ })
    await assertSameTree(into, scene.path('state'))
  })
})

/** Changes a letter in the signed part, so that the text stays canonical JSON. */
function flipBit(bytes: Buffer): Buffer {
  const altered = Buffer.from(bytes)
  const at = altered.indexOf('"expires":"20') + '"expires":"20'.length
  altered[at]! ^= 1
  return altered
}

/** Signs a timestamp that expired an hour ago, as the publisher's own key does when nobody renews it for a day. */
async function expireTimestamp(workspace: string, keyPath: string): Promise<void> {
  const [timestampPath, snapshotPath] = [join(workspace, 'metadata', 'timestamp.json'), join(workspace, 'metadata', 'snapshot.json')]
  const [previous, snapshot] = [await readFile(timestampPath), await readFile(snapshotPath)]
  const signer = createSigner(createPrivateKey(await readFile(keyPath)))
  await writeFile(timestampPath, newTimestamp({ previous, snapshot, expiresAt: Date.now() - HOUR_MS, signers: [signer] }))
}
