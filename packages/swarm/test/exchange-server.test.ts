import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { NetworkError } from '@cairn/network'
import { sampleBlocks, sampleBytes } from '@cairn/storage/testing'
import {
  chunkCid,
  type CID,
  type DataMessage,
  encodeExchange,
  EXCHANGE_PROTOCOL,
  type ExchangeMessage,
  FRAME_BYTES_MAX,
  plainFrame,
  sha256,
  SLICE_BYTES_MAX,
  WANT_CHUNKS_MAX,
} from '@cairn/protocol'
import { type BlockSource } from '@cairn/storage'
import { type BlockAnswer, ExchangeClient } from '../src/exchange/client.ts'
import { serveExchange } from '../src/exchange/server.ts'
import { Uplink } from '../src/exchange/uplink.ts'
import { SERVING_LIMITS, SERVING_STALL_MS, SERVING_TICK_MS } from '../src/limits.ts'
import { type SwarmEvent } from '../src/index.ts'
import { type ChannelPair, eventually, openChannel, quiet } from './channel-pair.ts'
import { receive, send } from './exchange-messages.ts'

const DEADLINE_MS = 1000
const blocks = sampleBlocks(3, 1000)
const [first, second] = [blocks[0]!, blocks[1]!]

describe('serveExchange', () => {
  it('sends blocks in the order asked, in slices', async () => {
    const large = blockOf('large', 2 * SLICE_BYTES_MAX + 5)
    const { client, served } = await startServer(sourceOf(first, large))
    await send(client, { type: 'want', id: 5, deadlineMs: 1, cids: [large.cid, second.cid, first.cid] })
    await send(client, { type: 'want', id: 6, deadlineMs: 1, cids: [first.cid] })
    const total = large.frame.byteLength
    const bounds = [0, SLICE_BYTES_MAX, 2 * SLICE_BYTES_MAX, total]
    for (const offset of bounds.slice(0, -1)) {
      const bytes = large.frame.subarray(offset, offset + SLICE_BYTES_MAX)
      assert.deepEqual(await receive(client), slice({ id: 5, offset, total, slice: bytes }))
    }
    assert.deepEqual(await receive(client), { type: 'refuse', id: 5, position: 1, code: 'NOT_FOUND' })
    assert.deepEqual(await receive(client), slice({ id: 5, position: 2, total: first.frame.byteLength, slice: first.frame }))
    assert.deepEqual(await receive(client), slice({ id: 6, total: first.frame.byteLength, slice: first.frame }))
    await eventually(() => served.length === 3)
    assert.deepEqual(served, [total, first.frame.byteLength, first.frame.byteLength])
  })

  it('refuses a block that it has and cannot read, tells of it, and serves the next', async () => {
    const source: BlockSource = {
      has: () => true,
      get: async (cid) => (cid.equals(first.cid) ? Promise.reject(new Error('the disk failed')) : second.frame),
    }
    const { client, unavailable } = await startServer(source)
    await send(client, { type: 'want', id: 1, deadlineMs: 1, cids: [first.cid, second.cid] })
    assert.deepEqual(await receive(client), { type: 'refuse', id: 1, position: 0, code: 'NOT_FOUND' })
    assert.equal((await receive(client)).type, 'data')
    assert.deepEqual(unavailable, [`${first.cid.toString()}: the disk failed`])
  })

  it('ends when the peer has closed and has got everything', async () => {
    const { client, serving } = await startServer(sourceOf(first))
    await send(client, { type: 'want', id: 1, deadlineMs: 1, cids: [first.cid] })
    await client.close()
    assert.equal((await receive(client)).type, 'data')
    assert.equal(await client.receive(), undefined)
    await serving
  })

  it('stops between two slices of a block that is cancelled', async () => {
    const large = blockOf('large', 8 * SLICE_BYTES_MAX)
    const { client, clock, served } = await startServer(sourceOf(first, large), { windowBytes: SLICE_BYTES_MAX })
    await send(client, { type: 'want', id: 1, deadlineMs: 1, cids: [large.cid, first.cid] })
    await quiet(clock)
    await send(client, { type: 'cancel', id: 1, position: 0 })
    await quiet(clock)
    const offsets: number[] = []
    let message = await receive(client)
    for (; message.type === 'data'; message = await receive(client)) offsets.push(message.offset)
    assert.deepEqual(message, { type: 'refuse', id: 1, position: 0, code: 'CANCELLED' })
    assert.ok(offsets.length < 4, `${offsets.length} of 8 slices came`)
    assert.deepEqual(await receive(client), slice({ position: 1, total: first.frame.byteLength, slice: first.frame }))
    await eventually(() => served.length === 1)
    assert.deepEqual(served, [first.frame.byteLength])
  })

  it('drops the rest of a request that is cancelled, and nothing of another', async () => {
    const { client, clock, open } = await startServer(sourceOf(...blocks), {}, true)
    await send(client, { type: 'want', id: 1, deadlineMs: 1, cids: blocks.map(({ cid }) => cid) })
    await send(client, { type: 'want', id: 2, deadlineMs: 1, cids: [first.cid] })
    await quiet(clock)
    await send(client, { type: 'cancel', id: 1, position: 'all' })
    await send(client, { type: 'cancel', id: 3, position: 0 })
    await quiet(clock)
    open()
    // The first is being read and is answered last.
    for (const position of [1, 2, 0]) assert.deepEqual(await receive(client), { type: 'refuse', id: 1, position, code: 'CANCELLED' })
    assert.equal((await receive(client)).type, 'data')
  })

  // Goal: a peer that asks without end makes the server hold a bounded queue; it is told so, and what it goes on asking stays with it.
  // Method: nothing is read while requests flood in; the ones that get away are counted, then all must be answered.
  it('refuses requests while too many blocks are queued, and stops reading until the refusals are taken', async () => {
    const wantBytes = encodeExchange(flooding(0)).byteLength
    const windowBytes = 4 * wantBytes
    const { client, clock, open, calls, uplink } = await startServer(sourceOf(first), { windowBytes }, true)
    let takenCount = 0
    let isStuck = false
    const sends: Promise<void>[] = []
    const taken = async (id: number): Promise<void> => {
      await send(client, flooding(id))
      takenCount += 1
    }
    while (!isStuck) {
      const before = takenCount
      sends.push(taken(sends.length))
      await quiet(clock)
      isStuck = takenCount === before
      assert.ok(sends.length < 5000, 'the server reads without end')
    }
    assert.equal(calls(), 1, 'one block at a time is read')
    assert.ok(uplink.heldBytes <= SERVING_LIMITS.bytesMax)
    open()
    const answers = new Map<number, string[]>()
    for (let answered = 0; answered < sends.length * WANT_CHUNKS_MAX;) {
      const message = await receive(client)
      assert.ok(message.type === 'data' || message.type === 'refuse')
      const answer = message.type === 'data' ? 'data' : message.code
      const own = answers.get(message.id) ?? []
      answers.set(message.id, own)
      const count = message.position === 'all' ? WANT_CHUNKS_MAX : 1
      answered += count
      own.push(...Array.from({ length: count }, () => answer))
    }
    await Promise.all(sends)
    const served = ['data', ...Array.from({ length: WANT_CHUNKS_MAX - 1 }, () => 'NOT_FOUND')]
    const refused = Array.from({ length: WANT_CHUNKS_MAX }, () => 'TOO_MANY')
    const queuedMax = SERVING_LIMITS.peerQueuedMax / WANT_CHUNKS_MAX
    for (let id = 0; id < queuedMax; id++) assert.deepEqual(answers.get(id), served, `request ${id}`)
    assert.deepEqual(answers.get(queuedMax), refused)
  })

  it('cuts a peer off that reads nothing, and frees what was read for it', async () => {
    const large = blockOf('large', 8 * SLICE_BYTES_MAX)
    const { client, clock, serving, uplink, events } = await startServer(sourceOf(large), { windowBytes: SLICE_BYTES_MAX })
    const ended = serving.then(
      () => 'closed',
      (error: unknown) => (error instanceof NetworkError ? error.fault.code : String(error)),
    )
    await send(client, { type: 'want', id: 1, deadlineMs: 1, cids: [large.cid] })
    await clock.advance(SERVING_STALL_MS - 1)
    assert.deepEqual([client.closed.aborted, uplink.heldBytes], [false, 8 * SLICE_BYTES_MAX + 1])
    await clock.advance(SERVING_TICK_MS)
    assert.equal(await ended, 'CHANNEL_CLOSED')
    assert.deepEqual([client.closed.aborted, uplink.heldBytes], [true, 0])
    assert.deepEqual(
      events.filter(({ type }) => type === 'slow-reader-dropped'),
      [{ type: 'slow-reader-dropped', peer: 'client', reason: 'stalled', waitedMs: SERVING_STALL_MS }],
    )
    assert.deepEqual(events.at(-1), { type: 'serving-load', blocksQueued: 0, bytesHeld: 0 })
    assert.equal(clock.nextTimerMs(), undefined)
  })

  it('bears with a peer that reads slowly', async () => {
    const large = blockOf('large', 6 * SLICE_BYTES_MAX)
    const { client, clock } = await startServer(sourceOf(large), { windowBytes: SLICE_BYTES_MAX })
    await send(client, { type: 'want', id: 1, deadlineMs: 1, cids: [large.cid] })
    for (let bytes = 0; bytes < large.frame.byteLength;) {
      await clock.advance(SERVING_STALL_MS - SERVING_TICK_MS)
      const message = await receive(client)
      bytes += message.type === 'data' ? message.slice.byteLength : assert.fail(message.type)
    }
  })

  it('gives up on a peer that answers instead of asking, or sends what is no message', async () => {
    for (const bytes of [encodeExchange(slice({})), new Uint8Array([9, 9, 9, 9, 9, 9, 9])]) {
      const { client, serving } = await startServer(sourceOf(first))
      const refused = assert.rejects(serving)
      await client.send(bytes)
      await refused
    }
  })

  it('speaks what the client understands', async () => {
    const large = blockOf('large', 3 * SLICE_BYTES_MAX + 1)
    const { client } = await startServer(sourceOf(first, large))
    const exchange = new ExchangeClient(client, (error) => assert.fail(error.message))
    const running = exchange.run()
    const answers = new Map<number, BlockAnswer>()
    const cids = [large.cid, second.cid, first.cid]
    exchange.want(
      cids.map((cid) => ({ cid, frameBytesMax: FRAME_BYTES_MAX })),
      DEADLINE_MS,
      (position, answer) => answers.set(position, answer),
    )
    await eventually(() => answers.size === 3)
    assert.deepEqual(answers.get(0), { type: 'frame', frame: large.frame })
    assert.deepEqual(answers.get(1), { type: 'refused', code: 'NOT_FOUND' })
    assert.deepEqual(answers.get(2), { type: 'frame', frame: new Uint8Array(first.frame) })
    exchange.abort(new Error('stopped'))
    await running
  })
})

/** A server whose peer is played by the test, at `client`. If `isShut`, its source gives nothing before `open()`. */
async function startServer(
  source: BlockSource,
  conditions: { readonly windowBytes?: number } = {},
  isShut = false,
): Promise<
  ChannelPair & {
    readonly serving: Promise<void>
    readonly uplink: Uplink
    readonly events: readonly SwarmEvent[]
    /** Bytes of each block that was sent. */
    readonly served: readonly number[]
    readonly unavailable: readonly string[]
    readonly open: () => void
    /** How often a frame was read. */
    readonly calls: () => number
  }
> {
  const pair = await openChannel(EXCHANGE_PROTOCOL, conditions)
  const events: SwarmEvent[] = []
  const served: number[] = []
  const unavailable: string[] = []
  const gate = Promise.withResolvers<void>()
  if (!isShut) gate.resolve()
  let callsCount = 0
  const gated: BlockSource = {
    has: (cid) => source.has(cid),
    get: async (cid) => {
      callsCount += 1
      await gate.promise
      return source.get(cid)
    },
  }
  const report = (event: SwarmEvent): void => {
    events.push(event)
    if (event.type === 'block-served') served.push(event.frameBytes)
    if (event.type === 'block-unavailable') unavailable.push(`${event.cid}: ${event.reason}`)
  }
  const uplink = new Uplink({ clock: pair.clock, source: gated, reporter: { report } })
  const serving = serveExchange(pair.server, uplink)
  // As the participant does: whatever ends the server ends its channel.
  serving.catch((error: Error) => pair.server.abort(error))
  return { ...pair, serving, uplink, events, served, unavailable, open: gate.resolve, calls: () => callsCount }
}

interface Block {
  readonly cid: CID
  readonly frame: Uint8Array
}

function blockOf(seed: string, bytes: number): Block {
  const plain = sampleBytes(seed, bytes)
  return { cid: chunkCid(sha256(plain)), frame: plainFrame(plain) }
}

function sourceOf(...held: readonly Block[]): BlockSource {
  const frames = new Map(held.map(({ cid, frame }) => [cid.toString(), frame]))
  return { has: (cid) => frames.has(cid.toString()), get: async (cid) => frames.get(cid.toString()) }
}

const absent = Array.from({ length: WANT_CHUNKS_MAX - 1 }, (_, i) => chunkCid(sha256(new Uint8Array([i]))))

/** A full request of one block that is there and many that are not. */
function flooding(id: number): ExchangeMessage {
  return { type: 'want', id, deadlineMs: 1, cids: [first.cid, ...absent] }
}

/** A `data` message that answers the first request with a whole block of four bytes, but for what is given. */
function slice(different: Partial<DataMessage>): DataMessage {
  const bytes = different.slice ?? new Uint8Array([1, 2, 3, 4])
  return { type: 'data', id: 1, position: 0, offset: 0, total: bytes.byteLength, ...different, slice: new Uint8Array(bytes) }
}
