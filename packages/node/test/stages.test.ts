import assert from 'node:assert/strict'
import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import type { SampleEntry } from '@cairn/storage/testing'
import { NodeError } from '../src/index.ts'
import { only, STAGED_TREE, StageWorld } from './stage-harness.ts'
import { listTree } from './trees.ts'

const ENDLESS = new AbortController().signal
/** Slow enough for a test to act in the middle of a join. */
const SLOW = 1024 * 1024

describe('a join that is asked for a stage', () => {
  it('ends when that stage is as it was published, and a later run fetches only the rest', async () => {
    await using world = await StageWorld.create()
    const published = await world.published()
    const { index } = world.snapshot
    const first = await world.start()
    const staged = await world.settle(first.node.join(ENDLESS, { stage: 'bootstrap' }))
    assert.equal(staged.reached, 'bootstrap')
    assert.deepEqual(await listTree(world.target()), {
      bin: 'directory 755',
      'bin/current': published['bin/current'],
      'bin/lock': published['bin/lock'],
      'bin/start': published['bin/start'],
    })
    assert.equal(only(first.events, 'chunk-received').length, index.stageRange('bootstrap').to)
    assert.deepEqual([first.node.ready().ready, first.node.progress.phase], [true, 'staged'])
    await world.settle(first.node.stop())

    const second = await world.start()
    const summary = await world.settle(second.node.join(ENDLESS))
    assert.equal(summary.reached, 'complete')
    assert.equal(summary.chunksResumed, index.stageRange('bootstrap').to)
    assert.equal(only(second.events, 'chunk-received').length, index.chunksCount - summary.chunksResumed)
    assert.deepEqual(
      only(second.events, 'stage-committed').map(({ stage, isResumed }) => [stage, isResumed]),
      [
        ['bootstrap', true],
        ['hot', false],
        ['bulk', false],
      ],
    )
    assert.deepEqual(await listTree(world.target()), published)
  })

  it('goes on in the same node', async () => {
    await using world = await StageWorld.create()
    const { node, events } = await world.start()
    for (const stage of ['bootstrap', 'hot'] as const) await world.settle(node.join(ENDLESS, { stage }))
    assert.deepEqual(
      only(events, 'join-staged').map(({ stage }) => stage),
      ['bootstrap', 'hot'],
    )
    await world.settle(node.join(ENDLESS))
    assert.equal(only(events, 'chunk-received').length, world.snapshot.index.chunksCount)
    assert.deepEqual(await listTree(world.target()), await world.published())
  })

  it('is at its end at once where an earlier run has brought it so far', async () => {
    await using world = await StageWorld.create()
    const first = await world.start()
    await world.settle(first.node.join(ENDLESS))
    await world.settle(first.node.stop())
    const second = await world.start()
    const summary = await world.settle(second.node.join(ENDLESS, { stage: 'hot' }))
    assert.deepEqual([summary.reached, only(second.events, 'chunk-received').length], ['hot', 0])
    assert.deepEqual(await listTree(world.target()), await world.published())
  })

  it('is refused where the release has nothing in it', async () => {
    await using world = await StageWorld.create({ entries: BULK_ONLY })
    const { node } = await world.start()
    await assert.rejects(
      world.settle(node.join(ENDLESS, { stage: 'bootstrap' })),
      (error) => error instanceof NodeError && error.fault.code === 'NO_SUCH_STAGE',
    )
  })
})

describe('usable', () => {
  it('is told once, with the bootstrap stage, long before the end', async () => {
    await using world = await StageWorld.create({ bytesPerSecond: SLOW })
    const { node, events } = await world.start()
    const joining = node.join(ENDLESS)
    const usableMs = await world.settle(node.usable)
    assert.ok(only(events, 'chunk-received').length < world.snapshot.index.chunksCount / 2)
    assert.deepEqual([node.ready().ready, node.progress.usableMs], [true, usableMs])
    await world.settle(joining)
    const [usable] = only(events, 'usable')
    assert.equal(usable?.sinceStartMs, usableMs)
    assert.ok(usableMs * 2 < only(events, 'join-complete')[0]!.durationMs)
    assert.equal(only(events, 'usable').length, 1)
  })

  it('is told at the end where a release has no such stage', async () => {
    await using world = await StageWorld.create({ entries: BULK_ONLY, bytesPerSecond: SLOW })
    const { node, events } = await world.start()
    await world.settle(node.join(ENDLESS))
    const types = events.map(({ type }) => type)
    assert.equal(types.indexOf('usable') + 1, types.indexOf('join-complete'))
  })
})

describe('a stall', () => {
  it('has a name before anything is fetched, in status and progress', async () => {
    await using world = await StageWorld.create()
    const { node } = await world.start({ peers: [] })
    const controller = new AbortController()
    const joining = node.join(controller.signal)
    await world.until(() => node.progress.phase === 'connecting')
    assert.equal(node.ready().reason, 'connecting: no peer is connected')
    controller.abort(new Error('enough'))
    await assert.rejects(world.settle(joining), /enough/)
  })
})

describe('what somebody changes while the join runs', () => {
  it('is found when it is read, rolled back, fetched again and committed again', async () => {
    await using world = await StageWorld.create({ bytesPerSecond: SLOW })
    const { node, events } = await world.start()
    const joining = node.join(ENDLESS)
    await world.settle(node.usable)
    const start = world.target('bin', 'start')
    const bytes = await readFile(start)
    const changed = Buffer.from(bytes)
    changed[20_000]! ^= 1
    await chmod(start, 0o755)
    await writeFile(start, changed)
    const read = await world.settle(node.read('bin/start', 0, bytes.byteLength))
    assert.deepEqual(Buffer.from(read), bytes)
    assert.deepEqual(
      only(events, 'rolled-back').map(({ stage, chunksCount }) => [stage, chunksCount]),
      [[null, 1]],
    )
    await world.settle(joining)
    assert.equal(only(events, 'usable').length, 2)
    assert.deepEqual(await listTree(world.target()), await world.published())
  })

  it('is found at the end where a file was replaced, and only that file is fetched again', async () => {
    await using world = await StageWorld.create({ bytesPerSecond: SLOW })
    const { node, events } = await world.start()
    const joining = node.join(ENDLESS)
    await world.until(() => node.progress.stage === 'hot')
    await writeFile(world.target('..', 'stranger'), Buffer.alloc(100 * 1024, 'not what was signed'))
    await rename(world.target('..', 'stranger'), world.target('recent'))
    await world.settle(joining)
    assert.deepEqual(
      only(events, 'rolled-back').map(({ stage, chunksCount }) => [stage, chunksCount]),
      [['bootstrap', 7]],
    )
    assert.equal(only(events, 'chunk-received').length, world.snapshot.index.chunksCount + 7)
    assert.deepEqual(await listTree(world.target()), await world.published())
  })
})

describe('a bounded rate', () => {
  it('makes a join take its time, and no more than that', async () => {
    await using world = await StageWorld.create()
    const { node } = await world.start({ bytesPerSecondMax: 512 * 1024 })
    const { durationMs } = await world.settle(node.join(ENDLESS))
    const leastMs = (world.snapshot.index.root.totals.distinctBytes * 1000) / (512 * 1024)
    assert.ok(durationMs > leastMs * 0.9 && durationMs < leastMs * 1.2, `${durationMs} ms, ${leastMs} ms at that rate`)
  })
})

const BULK_ONLY: readonly SampleEntry[] = STAGED_TREE.filter(({ stage }) => stage === undefined).toSpliced(0, 1)
