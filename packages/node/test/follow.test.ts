import assert from 'node:assert/strict'
import { lstat, readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { diffSnapshots } from '@cairn/protocol'
import { inspectTarget, StorageError, VersionDirectory } from '@cairn/storage'
import { SwarmError } from '@cairn/swarm'
import { addressOf, count, only, type Published, type RunningFollower, World } from './harness.ts'
import { listTree } from './trees.ts'

/** Waits until `height` is in use. */
async function inUse(world: World, { events }: RunningFollower, height: number): Promise<void> {
  await world.until(() => only(events, 'version-switched').at(-1)?.height === height)
}

async function assertCurrentIs(world: World, { path }: Published, height: number): Promise<void> {
  assert.equal(await readlink(join(world.target(), 'current')), join('versions', `${height}`))
  assert.deepEqual(await listTree(join(world.target(), 'current')), await listTree(path))
}

async function versionsOf(world: World): Promise<readonly string[]> {
  return (await readdir(join(world.target(), 'versions'))).toSorted()
}

describe('a node that follows', () => {
  it('brings each version beside the one before it, fetches what it adds, and keeps as many as it is told', async () => {
    await using world = await World.create()
    const versions = [await world.snapshot(1), await world.snapshot(2), await world.snapshot(3)] as const
    const [v1, v2, v3] = versions
    await world.origin('origin', versions)
    world.publish(v1)
    const follower = await world.follow()
    await inUse(world, follower, 1)
    await assertCurrentIs(world, v1, 1)
    assert.deepEqual(follower.node.ready().ready, true)
    const opened = await readFile(join(world.target(), 'current', 'db', 'hot'))

    await world.release(v1, v2)
    await inUse(world, follower, 2)
    await assertCurrentIs(world, v2, 2)
    assert.deepEqual(await versionsOf(world), ['1', '2'])
    assert.equal(count(follower.events, 'chunk-received'), v1.index.chunksCount + diffSnapshots(v1.index, v2.index).toFetch.chunks)
    assert.deepEqual(await readFile(join(world.target(), 'versions', '1', 'db', 'hot')), opened)
    const [blocks1, blocks2] = await Promise.all(['1', '2'].map((name) => stat(join(world.target(), 'versions', name, 'blocks'))))
    assert.equal(blocks1?.ino, blocks2?.ino)

    await world.release(v1, v2, v3)
    await inUse(world, follower, 3)
    await world.until(() => only(follower.events, 'version-removed').length === 1)
    await assertCurrentIs(world, v3, 3)
    assert.deepEqual(await versionsOf(world), ['2', '3'])
  })

  it('copies what versions share if it is told to', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    await world.origin('origin', [v1, v2])
    world.publish(v1)
    const follower = await world.follow('node', { isCopying: true })
    await inUse(world, follower, 1)
    await world.release(v1, v2)
    await inUse(world, follower, 2)
    await assertCurrentIs(world, v2, 2)
    const [blocks1, blocks2] = await Promise.all(['1', '2'].map((name) => stat(join(world.target(), 'versions', name, 'blocks'))))
    assert.notEqual(blocks1?.ino, blocks2?.ino)
  })

  it('goes on where it stopped, and serves what it has from the start', async () => {
    await using world = await World.create(500_000)
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    await world.origin('origin', [v1, v2])
    world.publish(v1)
    const first = await world.follow()
    await world.until(() => count(first.events, 'chunk-received') >= 20)
    await first.stop()
    assert.equal(await lstat(join(world.target(), 'current')).catch(() => undefined), undefined)

    const second = await world.follow()
    await inUse(world, second, 1)
    assert.ok(count(second.events, 'chunk-received') <= v1.index.chunksCount - 20)
    await second.stop()

    await world.release(v1, v2)
    const third = await world.follow()
    await inUse(world, third, 2)
    await assertCurrentIs(world, v2, 2)
    assert.ok(count(third.events, 'chunk-received') <= diffSnapshots(v1.index, v2.index).toFetch.chunks)
    world.network.crash('origin')
    const { summary } = await world.join('other', { peers: ['/memory/node/p2p/node'], selector: { ledger: 'sample', height: 1 } })
    assert.deepEqual(Object.keys(summary.bytesBySource), ['node'])
    assert.deepEqual(await listTree(world.target('other')), await listTree(v1.path))
  })

  it('gives up a version that has hardly begun for a newer one, and fetches nothing of it twice', async () => {
    await using world = await World.create(200_000)
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    await world.origin('origin', [v1, v2])
    world.publish(v1)
    const follower = await world.follow()
    await world.until(() => count(follower.events, 'chunk-received') >= 3)
    await world.release(v1, v2)
    await inUse(world, follower, 2)
    await assertCurrentIs(world, v2, 2)
    assert.deepEqual(
      only(follower.events, 'version-overtaken').map(({ height }) => height),
      [1],
    )
    const fetched = new Set(
      only(follower.events, 'chunk-received').map(({ snapshot, chunk }) => {
        const { index } = snapshot === v1.index.cid.toString() ? v1 : v2
        return index.chunkCid(chunk).toString()
      }),
    )
    assert.equal(fetched.size, count(follower.events, 'chunk-received'))
    assert.deepEqual(await versionsOf(world), ['2'])
  })

  it('finishes a version that is half there before it goes on to the newest', async () => {
    await using world = await World.create(500_000)
    const [v1, v2, v3] = [await world.snapshot(1), await world.snapshot(2), await world.snapshot(3)]
    await world.origin('origin', [v1, v2, v3])
    world.publish(v1)
    const follower = await world.follow()
    await world.until(() => follower.node.progress.chunksHeld > 0.6 * follower.node.progress.chunksCount)
    await world.release(v1, v2, v3)
    await inUse(world, follower, 3)
    assert.deepEqual(
      only(follower.events, 'version-switched').map(({ height, from }) => [height, from]),
      [
        [1, null],
        [3, 1],
      ],
    )
    assert.equal(count(follower.events, 'version-overtaken'), 0)
  })

  it('stays where somebody went back to, until there is a version newer than the one they left', async () => {
    await using world = await World.create()
    const [v1, v2, v3] = [await world.snapshot(1), await world.snapshot(2), await world.snapshot(3)]
    await world.origin('origin', [v1, v2, v3])
    world.publish(v1)
    const follower = await world.follow()
    await inUse(world, follower, 1)
    await world.release(v1, v2)
    await inUse(world, follower, 2)
    const directory = await VersionDirectory.open(world.target())
    await directory.setHold({ height: 1, from: 2 })
    await directory.switchTo('1')
    await world.until(() => only(follower.events, 'follow-paused').length === 1)
    await world.clock.advance(60_000)
    await assertCurrentIs(world, v1, 1)
    await follower.stop()

    const again = await world.follow()
    await world.until(() => count(again.events, 'peer-connected') > 0 && count(again.events, 'usable') > 0)
    await world.clock.advance(60_000)
    await assertCurrentIs(world, v1, 1)
    await world.release(v1, v2, v3)
    await inUse(world, again, 3)
    await assertCurrentIs(world, v3, 3)
    assert.equal(await directory.hold(), undefined)
    assert.deepEqual(await versionsOf(world), ['1', '3'])
  })

  it('admits one node at a time', async () => {
    await using world = await World.create()
    world.publish(await world.snapshot(1))
    const follower = await world.follow()
    const isLocked = (error: unknown): boolean => error instanceof StorageError && error.fault.code === 'LOCKED'
    await assert.rejects(world.follow('other', { into: world.target() }), isLocked)
    await follower.stop()
    await (await world.follow()).stop()
  })

  it('goes back to an older version when its channel does', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    await world.origin('origin', [v1, v2])
    world.publish(v1)
    const follower = await world.follow()
    await inUse(world, follower, 1)
    await world.release(v1, v2)
    await inUse(world, follower, 2)
    await world.release(v2, v1)
    await inUse(world, follower, 1)
    await assertCurrentIs(world, v1, 1)
    assert.deepEqual(await versionsOf(world), ['1', '2'])
  })

  it('takes nothing from a file of the version before that somebody wrote to', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    await world.origin('origin', [v1, v2])
    world.publish(v1)
    const follower = await world.follow()
    await inUse(world, follower, 1)
    await writeFile(join(world.target(), 'versions', '1', 'zeros'), Buffer.alloc(100 * 1024, 1))
    await world.release(v1, v2)
    await inUse(world, follower, 2)
    await assertCurrentIs(world, v2, 2)
  })

  it('tries again what failed, and keeps what is in use meanwhile', async () => {
    await using world = await World.create()
    const [v1, v2] = [await world.snapshot(1), await world.snapshot(2)]
    await world.origin('origin', [v1])
    world.publish(v1)
    const follower = await world.follow('node', { patienceMs: 2000, peers: [addressOf('origin'), addressOf('late')] })
    await inUse(world, follower, 1)
    await world.release(v1, v2)
    await world.until(() => count(follower.events, 'follow-failed') > 0)
    await assertCurrentIs(world, v1, 1)
    await world.origin('late', [v1, v2])
    await inUse(world, follower, 2)
  })

  it('ends when there is nothing yet and nobody to get it from', async () => {
    await using world = await World.create()
    const { node } = await world.follow('node', { patienceMs: 2000 })
    await assert.rejects(
      world.settle(node.follow(new AbortController().signal)),
      (error) => error instanceof SwarmError && error.fault.code === 'NO_SOURCE',
    )
  })

  it('does not work in a directory that one snapshot was joined into, nor a join in one of its own', async () => {
    await using world = await World.create()
    const v1 = await world.snapshot(1)
    world.publish(v1)
    await world.origin('origin', [v1])
    const isOtherLayout = (error: unknown): boolean => error instanceof StorageError && error.fault.code === 'OTHER_LAYOUT'
    await world.join('joined')
    await assert.rejects(world.follow('follower', { into: world.target('joined') }), isOtherLayout)
    const follower = await world.follow()
    await inUse(world, follower, 1)
    await follower.stop()
    await assert.rejects(world.start('other', { into: world.target() }), isOtherLayout)
    assert.equal((await inspectTarget(join(world.target(), 'current')))?.complete, true)
  })
})
