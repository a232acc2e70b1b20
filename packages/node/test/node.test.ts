import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { MemoryBlockStore, StorageError } from '@cairn/storage'
import { SwarmError } from '@cairn/swarm'
import { TrustError } from '@cairn/trust'
import { NodeError } from '../src/index.ts'
import { addressOf, count, endless, LEDGER, NETWORK, only, World } from './harness.ts'
import { releaseOf, TestRepository } from './repository.ts'
import { listTree } from './trees.ts'

describe('Node', () => {
  it('leaves the directory as it was published, and says how far it is', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    const { node, events } = await world.start()
    assert.deepEqual(node.ready(), { ready: false, reason: 'connecting: no peer is connected' })
    assert.deepEqual(node.status().snapshots, [])
    const summary = await world.settle(node.join(endless))
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
    assert.deepEqual([summary.release.height, summary.chunksResumed, summary.chunksCount], [1, 0, v1.index.chunksCount])
    assert.deepEqual(Object.keys(summary.bytesBySource), ['origin'])

    assert.deepEqual(
      only(events, 'waiting').flatMap(({ reason }) => (reason === 'connecting' ? [] : [reason])),
      ['metadata', 'manifest'],
    )
    const milestones = only(events, 'release-chosen', 'download-started', 'stage-committed', 'join-complete')
    assert.deepEqual(
      milestones.map((event) => (event.type === 'stage-committed' ? event.stage : event.type)),
      ['release-chosen', 'download-started', 'bootstrap', 'hot', 'bulk', 'join-complete'],
    )
    assert.equal(count(events, 'chunk-received'), v1.index.chunksCount)

    assert.deepEqual(node.ready(), { ready: true, reason: 'everything is in place' })
    const { phase, bytes, bytesHeld, chunksHeld, peersCount } = node.progress
    assert.deepEqual([phase, bytesHeld, chunksHeld, peersCount], ['complete', bytes, v1.index.chunksCount, 1])
    const { role, snapshots, peers } = node.status()
    assert.deepEqual([role, snapshots[0]?.stage, snapshots[0]?.bytes, peers[0]?.peer], ['node', 'complete', bytes, 'origin'])
  })

  // What runs on the directory starts while the bulk of it is still under way.
  it('is ready once the bootstrap stage is in place', async () => {
    await using world = await World.create(500_000)
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    const { node, events } = await world.start()
    const joining = node.join(endless)
    await world.until(() => node.ready().ready)
    assert.deepEqual([only(events, 'stage-committed')[0]?.stage, node.progress.phase], ['bootstrap', 'fetching'])
    assert.equal(await readFile(join(world.target(), 'db', 'CURRENT'), 'utf8'), 'MANIFEST 1\n')
    await world.settle(joining)
  })

  it('is a source of all that it has for the next node, metadata included', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    const first = await world.start('first')
    await world.settle(first.node.join(endless))
    world.network.crash('origin')
    const { summary } = await world.join('second', { peers: first.node.addresses })
    assert.deepEqual(await listTree(world.target('second')), await listTree(v1.path))
    assert.deepEqual(Object.keys(summary.bytesBySource), ['first'])
    assert.ok(first.node.progress.servedBytes > 0)
  })

  it('joins the height that it is asked for', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1, v2)
    await world.origin('origin', [v1, v2])
    await world.join('newest')
    await world.join('older', { selector: { ledger: LEDGER, height: 1 } })
    assert.deepEqual(await listTree(world.target('newest')), await listTree(v2.path))
    assert.deepEqual(await listTree(world.target('older')), await listTree(v1.path))
  })
})

describe('a node without a usable source', () => {
  it('gives up after its patience, and says whether anybody was there', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await assert.rejects(world.join('node', { patienceMs: 5000 }), isNoSource('no-source'))
    assert.ok(world.clock.monotonicMs() >= 5000)
    await world.origin('origin', [v1], { metadata: async () => undefined })
    await assert.rejects(world.join('node', { patienceMs: 5000 }), isNoSource('no-source-has-it'))
  })

  it('gives up on a manifest, and on chunks, that nobody has', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [], { source: new MemoryBlockStore() })
    await assert.rejects(world.join('node', { patienceMs: 5000 }), isNoSource('no-source-has-it'))
    await world.origin('pages', [])
    await assert.rejects(world.join('node', { patienceMs: 5000, peers: [addressOf('pages')] }), isNoSource('no-source'))
  })

  it('waits for ever if it is not told otherwise, and joins when one comes', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    const { node } = await world.start()
    const joining = node.join(endless)
    await world.clock.advance(600_000)
    await world.origin('origin', [v1])
    await world.settle(joining)
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
  })

  it('ends with the reason of its signal', async () => {
    await using world = await World.create()
    const { node } = await world.start()
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const ended = assert.rejects(node.join(controller.signal), (error) => error === reason)
    await world.clock.advance(1000)
    controller.abort(reason)
    await world.settle(ended)
  })
})

describe('metadata that is not acceptable', () => {
  it('ends the join, after others had time to connect', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    const thief = new TestRepository(LEDGER, () => world.clock.now(), 66)
    thief.publish([releaseOf(v1.index, v1.manifestBytes, ['stable'])])
    await world.origin('origin', [v1], { metadata: thief.metadata })
    await assert.rejects(world.join(), isTrustError('FORGED'))
    assert.ok(world.clock.monotonicMs() >= 3000)
    assert.deepEqual(await readdir(world.target()), ['.cairn'])
  })

  it('does not end it when another peer has what verifies', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    const thief = new TestRepository(LEDGER, () => world.clock.now(), 66)
    thief.publish([releaseOf(v1.index, v1.manifestBytes, ['stable'])])
    await world.origin('thief', [v1], { metadata: thief.metadata })
    const { node, events } = await world.start('node', { peers: [addressOf('thief'), addressOf('origin')] })
    const joining = node.join(endless)
    await world.until(() => count(events, 'metadata-refused') > 0)
    await world.origin('origin', [v1])
    await world.settle(joining)
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
  })

  it('may be that of an origin that is not kept up to date', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.repository.publish([releaseOf(v1.index, v1.manifestBytes, ['stable'])], 1000)
    await world.origin('origin', [v1])
    await world.clock.advance(1000)
    await assert.rejects(world.join(), isTrustError('EXPIRED'))
  })

  it('ends the join at once when the ledger is not there at all, or not at that height', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    await assert.rejects(world.join('node', { selector: { ledger: 'other' } }), isTrustError('UNKNOWN_LEDGER'))
    await assert.rejects(world.join('node', { selector: { ledger: LEDGER, height: 9 } }), isTrustError('UNKNOWN_RELEASE'))
  })

  it('is what all metadata is to a node with the wrong root, which leaves nothing in the way of the right one', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    const { root } = new TestRepository(LEDGER, () => world.clock.now(), 66)
    await assert.rejects(world.join('node', { trustRoot: root }), isTrustError('FORGED'))
    await world.join()
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
    await assert.rejects(
      world.join('node', { trustRoot: root }),
      (error) => error instanceof SwarmError && error.fault.code === 'OTHER_TRUST_ROOT',
    )
  })
})

describe('a manifest that is not what was signed for', () => {
  it('is refused when it is of another network', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    await assert.rejects(world.join('node', { network: 'main' }), isMismatch('network', NETWORK, 'main'))
    assert.deepEqual(await readdir(world.target()), ['.cairn'])
  })

  it('is refused when it is of another height', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.repository.publish([{ ...releaseOf(v1.index, v1.manifestBytes, ['stable']), height: 7 }])
    await world.origin('origin', [v1])
    await assert.rejects(world.join(), isMismatch('height', '1', '7'))
  })
})

describe('Node.start', () => {
  it('touches no directory that is not its own', async () => {
    await using world = await World.create()
    await mkdir(world.target(), { recursive: true })
    await writeFile(join(world.target(), 'thesis.txt'), 'mine')
    await assert.rejects(world.start(), (error) => error instanceof StorageError && error.fault.code === 'FOREIGN_FILES')
    assert.deepEqual(await readdir(world.target()), ['thesis.txt'])
  })

  it('admits one node at a time, and the next when that has stopped', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    const first = await world.start('first', { into: world.target() })
    await assert.rejects(
      world.start('second', { into: world.target() }),
      (error) => error instanceof StorageError && error.fault.code === 'LOCKED',
    )
    await world.settle(first.node.stop())
    await world.join()
  })

  it('refuses what is no root', async () => {
    await using world = await World.create()
    await assert.rejects(world.start('node', { trustRoot: Buffer.from('{}') }), isTrustError('MALFORMED'))
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    await world.join()
  })
})

function isNoSource(reason: string): (error: unknown) => boolean {
  return (error) => error instanceof SwarmError && error.fault.code === 'NO_SOURCE' && error.fault.reason === reason
}

function isTrustError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TrustError && error.fault.code === code
}

function isMismatch(what: string, found: string, wanted: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NodeError, String(error))
    const { fault } = error
    assert.equal(fault.code, 'MANIFEST_MISMATCH')
    assert.deepEqual([fault.what, fault.found, fault.wanted], [what, found, wanted])
    return true
  }
}
