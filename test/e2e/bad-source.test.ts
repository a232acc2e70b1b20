// Goal: a source that sends a flipped byte is blamed by name and banned, and nothing of it reaches the directory.
// Method: beside the real origin, a process that serves the same workspace and flips the last byte of chunks that it sends.
import assert from 'node:assert/strict'
import { open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { decodeCid } from '@cairn/protocol'
import { generateLedger } from '../datasets/index.ts'
import { Daemon } from './daemon.ts'
import { assertFails } from './failures.ts'
import { fetchedBytes, LEDGER, Scene } from './harness.ts'
import { assertSameTree, readTree } from './trees.ts'

const SNAPSHOT_BYTES = 16 * 1024 ** 2

describe('a source that flips bytes', { concurrency: 2 }, () => {
  let data: Scene
  let workspace: string
  let bytes: number
  before(async () => {
    data = await Scene.create()
    await generateLedger({ path: data.path('ledger'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    workspace = await data.init()
    bytes = (await data.publish(workspace, data.path('ledger'), 1)).bytes
  })
  after(() => data[Symbol.asyncDispose]())

  for (const which of ['every', 'one'] as const) {
    it(`in ${which} chunk is blamed and banned, and the join succeeds from the other source`, async () => {
      await using scene = await Scene.create()
      const [origin, faulty] = [await scene.origin(workspace), await scene.faultyOrigin(workspace, which)]
      const node = scene.join({
        workspace,
        peers: [faulty, origin],
        into: scene.path('joined'),
        // Slow enough for both sources to be connected long before the end, however busy the machine is.
        flags: ['--http', '127.0.0.1:0', '--stay', '--log-level', 'warn', '--max-rate', '12MiB/s'],
      })
      const joining = await Daemon.ready(node)
      await node.event('joined')
      await assertSameTree(scene.path('joined'), data.path('ledger'))

      assert.deepEqual([...new Set(node.eventsOf('chunk-bad').map(({ peer }) => peer))], [faulty.peer])
      assert.deepEqual(
        node.eventsOf('peer-banned').map(({ peer, fault }) => ({ peer, fault })),
        [{ peer: faulty.peer, fault: 'bad-chunk' }],
      )
      assert.match(node.stderr, new RegExp(`"event":"chunk-bad".*"peer":"${faulty.peer}"`))
      assert.match(node.stderr, new RegExp(`"event":"peer-banned".*"peer":"${faulty.peer}"`))
      const blamed = (await joining.status()).peers.find(({ peer }) => peer === faulty.peer)
      assert.equal(blamed?.state, 'banned')
      assert.match(blamed?.fault ?? '', /bad-chunk/)
      const table = scene.start({ args: ['status', joining.http] })
      await table.succeeded()
      assert.match(table.stdout, new RegExp(`^${faulty.peer} +banned .*bad-chunk`, 'm'))
      assert.equal((await node.stop()).exitCode, 0)
      assert.ok(fetchedBytes(node) <= bytes, 'no chunk is used twice')
    })
  }

  it('is named to people', async () => {
    await using scene = await Scene.create()
    const [origin, faulty] = [await scene.origin(workspace), await scene.faultyOrigin(workspace, 'every')]
    const peers = ['--peer', faulty.address, '--peer', origin.address, '--max-rate', '12MiB/s']
    const node = scene.start({ args: ['join', LEDGER, '--into', scene.path('joined'), '--trust', join(workspace, 'root.json'), ...peers] })
    await node.succeeded()
    assert.match(node.stderr, new RegExp(`^${faulty.peer} sent a bad chunk: `, 'm'))
    assert.match(node.stderr, new RegExp(`^banned ${faulty.peer} for `, 'm'))
  })

  for (const which of ['every', 'one'] as const) {
    it(`in ${which} chunk, and is the only one, fails the join with nothing unverified in the target`, async () => {
      await using scene = await Scene.create()
      const faulty = await scene.faultyOrigin(workspace, which)
      const into = scene.path('joined')
      const node = scene.join({ workspace, peers: [faulty], into })
      await assertFails(node, { exitCode: 3, code: 'UNVERIFIABLE', message: new RegExp(faulty.peer) })
      assert.equal(node.eventsOf('chunk-received').length > 0, which === 'one')
      await assertOnlyVerified(into, data.path('ledger'))

      const origin = await scene.origin(workspace)
      await scene.join({ workspace, peers: [origin], into }).succeeded()
      await assertSameTree(into, data.path('ledger'))
    })
  }

  it('on its own disk notices, and does not send what it reads', async () => {
    await using scene = await Scene.create()
    const own = await scene.init('own')
    await scene.publish(own, data.path('ledger'), 1)
    const damaged = await damageOneBlock(own)
    const origin = await scene.origin(own)
    const node = scene.join({ workspace: own, peers: [origin], into: scene.path('joined'), flags: ['--timeout', '4s'] })
    await assertFails(node, { exitCode: 4, code: 'NO_SOURCE', message: /no connected source has what is missing/ })
    assert.equal((await origin.process.event('block-unavailable'))['cid'], damaged)
    assert.equal(node.eventsOf('chunk-bad').length, 0)
    await assertOnlyVerified(scene.path('joined'), data.path('ledger'))
  })
})

/** Flips a byte of a chunk in the workspace's store, and returns its CID. */
async function damageOneBlock(workspace: string): Promise<string> {
  const packs = join(workspace, 'blocks', 'packs')
  const path = join(packs, (await readdir(packs))[0]!)
  const bytes = await readFile(path)
  // The first record: 8 bytes into the pack its CID (36), two numbers of 4 bytes, then the frame.
  const cid = decodeCid(bytes.subarray(8, 44))
  bytes[52 + (bytes.readUInt32BE(44) >> 1)]! ^= 1
  await writeFile(path, bytes)
  return cid.toString()
}

/** Every file in `target` is a hole or what was published, byte by byte: chunks are written straight into place. */
async function assertOnlyVerified(target: string, source: string): Promise<void> {
  for (const path of Object.keys(await readTree(target))) {
    await using placed = await open(`${target}/${path}`)
    await using published = await open(`${source}/${path}`)
    const [found, wanted] = [await placed.readFile(), await published.readFile()]
    const strange = found.findIndex((byte, at) => byte !== 0 && byte !== wanted[at])
    assert.equal(strange, -1, `${path} holds an unverified byte`)
  }
}
