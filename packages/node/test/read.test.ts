import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NodeError, type NodeFault } from '../src/index.ts'
import { only, STAGED_TREE, StageWorld } from './stage-harness.ts'

const ENDLESS = new AbortController().signal
const SLOW = 1024 * 1024
/** A smallest window of 1 MiB, in chunks: what is on its way before anything can be moved to the front. */
const IN_FLIGHT_MAX = 64

const HISTORY = contentOf('history')

describe('a read through the node', () => {
  it('that asks for a missing range is answered next, ahead of the queue and of its stage', async () => {
    await using world = await StageWorld.create({ bytesPerSecond: SLOW })
    const { node, events } = await world.start()
    const joining = node.join(ENDLESS)
    await world.until(() => only(events, 'chunk-received').length > 0)
    const before = only(events, 'chunk-received').length
    const [from, to] = [3_000_001, 3_050_000]
    const bytes = await world.settle(node.read('history', from, to))
    const waited = only(events, 'chunk-received').length - before
    assert.deepEqual(Buffer.from(bytes), HISTORY.subarray(from, to))
    assert.ok(waited <= IN_FLIGHT_MAX + 8, `${waited} chunks came first, of ${world.snapshot.index.chunksCount}`)
    await world.settle(joining)
  })

  it('may begin before the join, and is then what is fetched first', async () => {
    await using world = await StageWorld.create({ bytesPerSecond: SLOW })
    const { node, events } = await world.start()
    const reading = node.read('history', 4_000_000, 4_000_100)
    const joining = node.join(ENDLESS)
    assert.deepEqual(Buffer.from(await world.settle(reading)), HISTORY.subarray(4_000_000, 4_000_100))
    const [wanted] = world.snapshot.index.chunksOfFile(world.snapshot.index.entryAt('history')!, 4_000_000, 4_000_100)
    assert.equal(only(events, 'chunk-received')[0]?.chunk, wanted!.chunk)
    await world.settle(joining)
  })

  it('of what is in place needs no source', async () => {
    await using world = await StageWorld.create()
    const { node } = await world.start()
    await world.settle(node.join(ENDLESS))
    for (const [from, to] of [
      [0, HISTORY.byteLength],
      [16_383, 16_385],
      [7, 7],
      [HISTORY.byteLength, HISTORY.byteLength],
    ] as const) {
      assert.deepEqual(Buffer.from(await node.read('history', from, to)), HISTORY.subarray(from, to), `${from} to ${to}`)
    }
    assert.equal((await node.read('bin/lock', 0, 0)).byteLength, 0)
  })

  it('refuses what is no range of a file', async () => {
    await using world = await StageWorld.create()
    const { node } = await world.start()
    await world.settle(node.join(ENDLESS, { stage: 'bootstrap' }))
    assert.equal(await faultOf(node.read('nothing', 0, 1)), 'UNKNOWN_PATH')
    assert.equal(await faultOf(node.read('bin', 0, 1)), 'NOT_A_FILE')
    assert.equal(await faultOf(node.read('bin/current', 0, 1)), 'NOT_A_FILE')
    for (const [from, to] of [
      [-1, 1],
      [2, 1],
      [0, HISTORY.byteLength + 1],
      [0.5, 1],
      [Number.NaN, 1],
    ] as const) {
      assert.equal(await faultOf(node.read('history', from, to)), 'OUT_OF_RANGE', `${from} to ${to}`)
    }
  })

  it('of what nobody fetches says so', async () => {
    await using world = await StageWorld.create()
    const { node } = await world.start()
    await world.settle(node.join(ENDLESS, { stage: 'bootstrap' }))
    assert.equal(await faultOf(node.read('history', 0, 1)), 'NOT_FETCHING')
    assert.equal((await node.read('bin/start', 0, 5)).byteLength, 5)
  })

  it('ends with its signal, and with the join that it waits for', async () => {
    await using world = await StageWorld.create({ bytesPerSecond: 100_000 })
    const { node, events } = await world.start()
    const [reader, joiner] = [new AbortController(), new AbortController()]
    const early = node.read('history', 0, 1, { signal: reader.signal })
    reader.abort(new Error('no longer'))
    await assert.rejects(early, /no longer/)
    const joining = node.join(joiner.signal)
    await world.until(() => only(events, 'download-started').length > 0)
    const late = node.read('history', 0, HISTORY.byteLength)
    const ends = Promise.allSettled([joining, late])
    joiner.abort(new Error('stopped by the operator'))
    for (const end of await world.settle(ends)) assert.match(String(end.status === 'rejected' && end.reason), /stopped by the operator/)
  })
})

function contentOf(path: string): Buffer {
  const entry = STAGED_TREE.find((candidate) => candidate.path === path)
  assert.ok(entry?.type === 'file')
  return Buffer.from(entry.content)
}

async function faultOf(read: Promise<unknown>): Promise<NodeFault['code']> {
  const error: unknown = await read.then(
    () => assert.fail('it was read'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof NodeError, String(error))
  return error.fault.code
}
