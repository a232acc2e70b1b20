import assert from 'node:assert/strict'
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { diffSnapshots } from '@cairn/protocol'
import { LocalPlacer, StorageError } from '@cairn/storage'
import { NodeError } from '../src/index.ts'
import { count, endless, LEDGER, only, type Published, World } from './harness.ts'
import { listTree } from './trees.ts'

/** A directory that holds version 1 when version 2 is out. */
async function overtaken(world: World): Promise<readonly [Published, Published]> {
  const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
  world.publish(v1)
  await world.origin('origin', [v1, v2])
  await world.join()
  world.publish(v1, v2)
  return [v1, v2]
}

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
    const [v1, v2] = await overtaken(world)
    const { events } = await world.join()
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
    const shared = diffSnapshots(v1.index, v2.index).shared.chunks
    assert.equal(count(events, 'chunk-received'), v2.index.chunksCount - shared)
    const state = ['blocks', 'fingerprints', 'journal', 'lock', 'lock.pid', 'peer.key', 'trust']
    assert.deepEqual((await readdir(join(world.target(), '.cairn'))).toSorted(), state)
    assert.equal(only((await world.join()).events, 'rechecked')[0]?.damagedCount, 0)
  })

  it('fetches the rest while it copies what is there', async () => {
    await using world = await World.create()
    const [, v2] = await overtaken(world)
    const fetched = Promise.withResolvers<void>()
    // Nothing is copied before something was fetched: one after the other, neither would ever come.
    class Patient extends LocalPlacer {
      override async copy(job: Parameters<LocalPlacer['copy']>[0]): ReturnType<LocalPlacer['copy']> {
        await fetched.promise
        return super.copy(job)
      }
      override async place(job: Parameters<LocalPlacer['place']>[0]): ReturnType<LocalPlacer['place']> {
        fetched.resolve()
        return super.place(job)
      }
    }
    const { node } = await world.start('node', {}, { placer: new Patient() })
    const { bytesReused } = await world.settle(node.join(endless))
    assert.ok(bytesReused > 0)
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
  })

  it('fetches what is gone from where it was to be copied', async () => {
    await using world = await World.create()
    const [, v2] = await overtaken(world)
    class Forgetful extends LocalPlacer {
      override async copy(): Promise<undefined> {
        return undefined
      }
    }
    const { node, events } = await world.start('node', {}, { placer: new Forgetful() })
    const { bytesReused } = await world.settle(node.join(endless))
    assert.equal(bytesReused, only(events, 'reused')[0]?.bytes)
    const [planned] = only(events, 'planned')
    assert.ok(planned!.chunksReused > only(events, 'reused')[0]!.chunks)
    assert.ok(count(events, 'chunk-received') > planned!.chunksToFetch)
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
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
    const [v1, v2] = await overtaken(world)
    await world.joinInterrupted(1)
    assert.deepEqual(await listTree(world.target()), await listTree(v1.path))
    const { events } = await world.join()
    assert.deepEqual(await listTree(world.target()), await listTree(v2.path))
    assert.ok(count(events, 'chunk-received') < diffSnapshots(v1.index, v2.index).toFetch.chunks)
  })

  it('is refused as long as it holds files that are not of its version, before anything is fetched', async () => {
    await using world = await World.create()
    await overtaken(world)
    await writeFile(join(world.target(), 'notes.txt'), 'mine')
    const { node, events } = await world.start()
    const isForeign = (error: unknown): boolean => error instanceof StorageError && error.fault.code === 'FOREIGN_FILES'
    await assert.rejects(world.settle(node.join(endless)), isForeign)
    assert.equal(count(events, 'chunk-received'), 0)
    assert.equal(await readFile(join(world.target(), 'notes.txt'), 'utf8'), 'mine')
  })

  it('does so for whole versions only', async () => {
    await using world = await World.create()
    await overtaken(world)
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
