import assert from 'node:assert/strict'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { diffSnapshots } from '@cairn/protocol'
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

describe('a join that was interrupted', () => {
  it('goes on where it stopped', async () => {
    await using world = await World.create(500_000)
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    const fetched = await world.joinInterrupted(20)
    assert.ok(fetched < v1.index.chunksCount)
    const { summary, events } = await world.join()
    assert.ok(summary.chunksResumed >= fetched)
    assert.equal(count(events, 'chunk-received'), v1.index.chunksCount - summary.chunksResumed)
    const [resumed] = only(events, 'resumed')
    assert.deepEqual([resumed?.chunksHeld, resumed?.chunksCount], [summary.chunksResumed, v1.index.chunksCount])
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
  })

  it('goes on with the version it began when `stable` has moved on', async () => {
    await using world = await World.create(500_000)
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1)
    await world.origin('origin', [v1, v2])
    await world.joinInterrupted(20)
    world.publish(v1, v2)
    const { summary, events } = await world.join()
    assert.equal(summary.release.height, 1)
    assert.deepEqual(only(events, 'newer-release'), [{ type: 'newer-release', ledger: LEDGER, height: 2, joining: 1 }])
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
  })

  it('is overtaken by another version that is asked for by height, and nothing that both share is fetched again', async () => {
    await using world = await World.create(500_000)
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1)
    await world.origin('origin', [v1, v2])
    await world.joinInterrupted(40)
    world.publish(v1, v2)
    const { summary, events } = await world.join('node', { selector: { ledger: LEDGER, height: 2 } })
    assert.equal(summary.release.height, 2)
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
    const [planned] = only(events, 'planned')
    assert.ok(planned !== undefined && planned.chunksReused >= 30)
    assert.equal(count(events, 'chunk-received'), v2.index.chunksCount - planned.chunksReused)
    assert.equal(planned.chunksToFetch, v2.index.chunksCount - planned.chunksReused)
  })

  it('is overtaken by the version that is vouched for when its own was withdrawn', async () => {
    await using world = await World.create(500_000)
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1)
    await world.origin('origin', [v1, v2])
    await world.joinInterrupted(20)
    world.publish(v2)
    assert.equal((await world.join()).summary.release.height, 2)
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
  })
})

describe('joining a directory that is complete', () => {
  it('checks it, and fetches nothing where nothing is amiss', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    await world.join()
    const { summary, events } = await world.join()
    assert.deepEqual(only(events, 'rechecked'), [{ type: 'rechecked', damagedCount: 0 }])
    assert.deepEqual([count(events, 'chunk-received'), summary.chunksResumed], [0, v1.index.chunksCount])
    assert.ok(only(events, 'waiting').some(({ reason }) => reason === 'checking'))
  })

  it('repairs what was altered, removed, or given other permissions', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    await world.join()
    const hot = join(world.target(), 'db', 'hot')
    const content = await readFile(hot)
    content[20_000]! ^= 1 // in a chunk that is nowhere else
    await writeFile(hot, content)
    await rm(join(world.target(), 'archive', 'script'))
    await rm(join(world.target(), 'archive', 'state'))
    await chmod(join(world.target(), 'db', 'LOCK'), 0o666)
    const { events } = await world.join()
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
    assert.deepEqual(only(events, 'rechecked'), [{ type: 'rechecked', damagedCount: 4 }])
    assert.equal(count(events, 'chunk-received'), 2)
  })

  it('turns it into a newer version, and fetches only what that adds', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1)
    await world.origin('origin', [v1, v2])
    await world.join()
    world.publish(v1, v2)
    const { events } = await world.join()
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
    const shared = diffSnapshots(v1.index, v2.index).shared.chunks
    assert.equal(count(events, 'chunk-received'), v2.index.chunksCount - shared)
    const state = ['blocks', 'fingerprints', 'journal', 'lock', 'lock.pid', 'peer.key', 'trust']
    assert.deepEqual((await readdir(join(world.target(), '.cairn'))).toSorted(), state)
    assert.equal(only((await world.join()).events, 'rechecked')[0]?.damagedCount, 0)
  })

  it('goes back to the version before it in the same way', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1, v2)
    await world.origin('origin', [v1, v2])
    await world.join()
    await world.join('node', { selector: { ledger: LEDGER, height: 1 } })
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
  })

  it('keeps it as it is until the other version is whole, however often that is interrupted', async () => {
    await using world = await World.create(500_000)
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1)
    await world.origin('origin', [v1, v2])
    await world.join()
    world.publish(v1, v2)
    await world.joinInterrupted(1)
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
    const { events } = await world.join()
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
    assert.ok(count(events, 'chunk-received') < diffSnapshots(v1.index, v2.index).toFetch.chunks)
  })

  it('is refused as long as it holds files that are not of its version, before anything is fetched', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1)
    await world.origin('origin', [v1, v2])
    await world.join()
    world.publish(v1, v2)
    await writeFile(join(world.target(), 'notes.txt'), 'mine')
    const { node, events } = await world.start()
    const isForeign = (error: unknown): boolean => error instanceof StorageError && error.fault.code === 'FOREIGN_FILES'
    await assert.rejects(world.settle(node.join(endless)), isForeign)
    assert.equal(count(events, 'chunk-received'), 0)
    assert.equal(await readFile(join(world.target(), 'notes.txt'), 'utf8'), 'mine')
  })

  it('does so for whole versions only', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1)
    await world.origin('origin', [v1, v2])
    await world.join()
    world.publish(v1, v2)
    const { node } = await world.start()
    await assert.rejects(
      world.settle(node.join(endless, { stage: 'bootstrap' })),
      (error) => error instanceof NodeError && error.fault.code === 'STAGE_OF_UPDATE',
    )
  })
})

describe('a directory that is named as a seed', () => {
  it('gives what it has, whether it was joined or only holds such files', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    world.publish(v1, v2)
    await world.origin('origin', [v1, v2])
    await world.join('older', { selector: { ledger: LEDGER, height: 1 } })
    const { events } = await world.join('newer', { seeds: [world.target('older')] })
    assert.deepEqual(await listTree(world.target('newer')), await listTree(v2.path))
    assert.equal(count(events, 'chunk-received'), diffSnapshots(v1.index, v2.index).toFetch.chunks)
    assert.deepEqual(await listTree(world.target('older')), await listTree(v1.path))

    const follower = await world.follow('follower')
    await world.until(() => only(follower.events, 'version-switched').length === 1)
    await follower.stop()
    const { events: seeded } = await world.join('seeded', { seeds: [world.target('follower')] })
    assert.equal(count(seeded, 'chunk-received'), 0)

    // Its chunks are cut as a publisher does, so short files are found, and those that the sample cuts otherwise are not.
    const scanned = await world.join('scanned', { seeds: [v2.path] })
    assert.deepEqual(await listTree(world.target('scanned')), await listTree(v2.path))
    assert.ok(only(scanned.events, 'planned')[0]!.chunksReused >= 2)
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
