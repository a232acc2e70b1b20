import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel } from '@cairn/network'
import {
  Bitmap,
  type CID,
  CONTROL_PROTOCOL,
  type ControlMessage,
  decodeControl,
  encodeControl,
  HAVE_UPDATE_CHUNKS_MAX,
  pageCid,
  ProtocolError,
} from '@cairn/protocol'
import { ControlClient } from '../src/control/client.ts'
import { serveControl } from '../src/control/server.ts'
import { Holdings } from '../src/holdings.ts'
import { CONTROL_DEADLINE_MS, CONTROL_REQUESTS_MAX, HAVE_UPDATE_INTERVAL_MS, SUBSCRIPTIONS_PER_PEER_MAX } from '../src/limits.ts'
import { type ChannelPair, eventually, openChannel, quiet } from './channel-pair.ts'

const snapshot = snapshotOf(0)
const file = 'timestamp.json'

describe('ControlClient', () => {
  it('asks, and tells answers apart in whatever order they come', async () => {
    const { control, server } = await startClient()
    const answers = [control.metadata(file), control.metadata('root.json'), control.have(snapshot), control.peers(snapshot)] as const
    assert.deepEqual(await receive(server), { type: 'metadata', id: 1, file })
    await receive(server)
    assert.deepEqual(await receive(server), { type: 'have', id: 3, snapshot })
    assert.deepEqual(await receive(server), { type: 'peers', id: 4, snapshot })
    await send(server, { type: 'peers-reply', id: 4, addresses: ['/memory/a/p2p/a'] })
    await send(server, { type: 'have-reply', id: 3, state: 'complete' })
    await send(server, { type: 'metadata-reply', id: 2, bytes: null })
    await send(server, { type: 'metadata-reply', id: 1, bytes: new Uint8Array([1, 2]) })
    const [bytes, none, have, addresses] = await Promise.all(answers)
    assert.deepEqual([Buffer.from(bytes!), none, have.state, addresses], [Buffer.from([1, 2]), undefined, 'complete', ['/memory/a/p2p/a']])
  })

  it('gives a request up at its deadline, and does not mind the answer that comes later', async () => {
    const { control, server, clock } = await startClient()
    const late = outcomeOf(control.metadata(file))
    await clock.advance(CONTROL_DEADLINE_MS - 1)
    const next = control.metadata(file)
    await clock.advance(1)
    assert.equal(await late, 'TIMED_OUT')
    await send(server, { type: 'metadata-reply', id: 1, bytes: new Uint8Array([1]) })
    await send(server, { type: 'error', id: 1, code: 'BUSY', retryAfterMs: 0 })
    await send(server, { type: 'metadata-reply', id: 2, bytes: new Uint8Array([2]) })
    assert.deepEqual(Buffer.from((await next)!), Buffer.from([2]))
    assert.deepEqual([control.isOpen, clock.nextTimerMs()], [true, undefined])
  })

  it('bounds what it has open with one peer', async () => {
    const { control, clock } = await startClient()
    const open = Array.from({ length: CONTROL_REQUESTS_MAX }, () => outcomeOf(control.metadata(file)))
    assert.equal(await outcomeOf(control.metadata(file)), 'TOO_MANY')
    await clock.advance(CONTROL_DEADLINE_MS)
    assert.deepEqual(new Set(await Promise.all(open)), new Set(['TIMED_OUT']))
    const again = outcomeOf(control.metadata(file))
    await clock.advance(CONTROL_DEADLINE_MS)
    assert.equal(await again, 'TIMED_OUT')
  })

  it('hears that the peer will not answer', async () => {
    const { control, server, clock } = await startClient()
    const refused = outcomeOf(control.have(snapshot))
    await send(server, { type: 'error', id: 1, code: 'BUSY', retryAfterMs: 10 })
    assert.equal(await refused, 'REFUSED')
    assert.equal(clock.nextTimerMs(), undefined)
  })

  it('gives up what is open when the channel ends, and what is asked afterwards', async () => {
    for (const end of [({ server }: Client) => server.close(), async ({ control }: Client) => control.abort(new Error('stopped'))]) {
      const client = await startClient()
      const { control, clock, running } = client
      const open = [outcomeOf(control.metadata(file)), outcomeOf(control.have(snapshot))]
      await end(client)
      assert.deepEqual(await Promise.all(open), ['CLOSED', 'CLOSED'])
      assert.equal(await outcomeOf(control.metadata(file)), 'CLOSED')
      assert.equal(await running, undefined, 'leaving is no misbehaviour')
      assert.equal(clock.nextTimerMs(), undefined)
    }
  })

  it('hears of new chunks of what it has subscribed to, and of nothing else', async () => {
    const { control, server, clock } = await startClient()
    const heard: (readonly number[])[] = []
    const stop = control.subscribe(snapshot, (chunks) => heard.push(chunks))
    assert.deepEqual(await receive(server), { type: 'subscribe', snapshot })
    await send(server, { type: 'have-update', snapshot: snapshotOf(1), chunks: [9] })
    await send(server, { type: 'have-update', snapshot, chunks: [1, 2] })
    await eventually(() => heard.length > 0)
    stop()
    stop()
    assert.deepEqual(await receive(server), { type: 'unsubscribe', snapshot })
    await send(server, { type: 'have-update', snapshot, chunks: [3] })
    await quiet(clock)
    assert.deepEqual(heard, [[1, 2]])
  })

  const lies: Readonly<Record<string, ControlMessage>> = {
    'a reply of another type': { type: 'have-reply', id: 1, state: 'none' },
    'a request for metadata': { type: 'metadata', id: 1, file },
    'a request for its chunks': { type: 'have', id: 1, snapshot },
    'a request for peers': { type: 'peers', id: 1, snapshot },
    'a subscription': { type: 'subscribe', snapshot },
    'the end of a subscription': { type: 'unsubscribe', snapshot },
  }
  for (const [lie, message] of Object.entries(lies)) {
    // Whoever asked must hear of it: a question without an end would hold up a join for as long as the peer likes.
    it(`cuts a peer off that sends ${lie}, and gives up what is open`, async () => {
      const { control, server, running, clock } = await startClient()
      const asked = [control.metadata(file), control.have(snapshot)].map((answer) => settledOf(outcomeOf(answer)))
      await send(server, message)
      assert.ok((await running) instanceof ProtocolError)
      await eventually(() => server.closed.aborted)
      await quiet(clock)
      assert.deepEqual(
        asked.map(({ outcome }) => outcome),
        ['CLOSED', 'CLOSED'],
      )
    })
  }

  it('cuts a peer off that sends what is no message', async () => {
    const { control, server, running } = await startClient()
    const open = outcomeOf(control.metadata(file))
    await server.send(new Uint8Array([0xff]))
    assert.ok((await running) instanceof ProtocolError)
    assert.equal(await open, 'CLOSED')
  })
})

describe('serveControl', () => {
  it('answers with what is here', async () => {
    const { client, holdings } = await startServer()
    const partial = new Bitmap(10)
    partial.set(3)
    holdings.add(snapshotOf(1), Bitmap.full(10))
    holdings.add(snapshotOf(2), partial)
    const cases: readonly (readonly [ControlMessage, ControlMessage])[] = [
      [
        { type: 'metadata', id: 1, file },
        { type: 'metadata-reply', id: 1, bytes: Buffer.from('signed') },
      ],
      [
        { type: 'metadata', id: 2, file: 'other.json' },
        { type: 'metadata-reply', id: 2, bytes: null },
      ],
      [
        { type: 'have', id: 3, snapshot },
        { type: 'have-reply', id: 3, state: 'none' },
      ],
      [
        { type: 'have', id: 4, snapshot: snapshotOf(1) },
        { type: 'have-reply', id: 4, state: 'complete' },
      ],
      [
        { type: 'have', id: 5, snapshot: snapshotOf(2) },
        { type: 'have-reply', id: 5, state: 'partial', bitmap: partial.encode() },
      ],
      [
        { type: 'peers', id: 6, snapshot },
        { type: 'peers-reply', id: 6, addresses: ['/memory/of/p2p/client'] },
      ],
    ]
    for (const [request] of cases) await send(client, request)
    for (const [, reply] of cases) assert.deepEqual(encodeControl(await receive(client)), encodeControl(reply))
  })

  it('tells subscribers of new chunks, in messages of a bounded size', async () => {
    const { client, clock, holdings } = await startServer()
    await send(client, { type: 'subscribe', snapshot })
    await send(client, { type: 'subscribe', snapshot })
    await quiet(clock)
    const count = 2 * HAVE_UPDATE_CHUNKS_MAX + 1
    holdings.add(snapshot, new Bitmap(count))
    for (let chunk = count - 1; chunk >= 0; chunk--) holdings.delivered(snapshot, chunk)
    await clock.advance(HAVE_UPDATE_INTERVAL_MS)
    const heard: number[] = []
    while (heard.length < count) {
      const message = await receive(client)
      assert.ok(message.type === 'have-update')
      assert.ok(message.chunks.length <= HAVE_UPDATE_CHUNKS_MAX)
      heard.push(...message.chunks)
    }
    assert.deepEqual(
      heard,
      heard.map((_, i) => i),
      'each once, although it subscribed twice',
    )
  })

  it('stops telling whoever unsubscribes or leaves', async () => {
    for (const end of [(channel: Channel) => send(channel, { type: 'unsubscribe', snapshot }), (channel: Channel) => channel.close()]) {
      const { client, server, clock, holdings } = await startServer()
      holdings.add(snapshot, new Bitmap(10))
      await send(client, { type: 'subscribe', snapshot })
      await quiet(clock)
      await end(client)
      await quiet(clock)
      holdings.delivered(snapshot, 1)
      assert.equal(clock.nextTimerMs(), undefined, 'nobody listens')
      assert.equal(server.closed.aborted, client.closed.aborted)
    }
  })

  it('bounds the subscriptions of a peer, which may make room', async () => {
    const { client, clock, serving, holdings } = await startServer()
    const subscribe = (i: number): Promise<void> => send(client, { type: 'subscribe', snapshot: snapshotOf(i) })
    for (let i = 0; i < SUBSCRIPTIONS_PER_PEER_MAX; i++) await subscribe(i)
    await subscribe(0)
    await send(client, { type: 'unsubscribe', snapshot: snapshotOf(0) })
    await subscribe(100)
    await quiet(clock)
    assert.equal(client.closed.aborted, false)
    await subscribe(101)
    const error = await serving
    assert.ok(error instanceof ProtocolError && error.fault.code === 'TOO_LARGE')
    holdings.add(snapshotOf(100), new Bitmap(10))
    holdings.delivered(snapshotOf(100), 1)
    assert.equal(clock.nextTimerMs(), undefined, 'none of its subscriptions remains')
  })

  const lies: readonly ControlMessage[] = [
    { type: 'metadata-reply', id: 1, bytes: null },
    { type: 'have-reply', id: 1, state: 'none' },
    { type: 'have-update', snapshot, chunks: [1] },
    { type: 'peers-reply', id: 1, addresses: [] },
    { type: 'error', id: 1, code: 'BUSY', retryAfterMs: 0 },
  ]
  for (const message of lies) {
    it(`holds against a peer that it sends ${message.type} to a server`, async () => {
      const { client, serving } = await startServer()
      await send(client, message)
      assert.ok((await serving) instanceof ProtocolError)
    })
  }

  it('holds against a peer what is no message', async () => {
    const { client, serving } = await startServer()
    await client.send(new Uint8Array([0xff]))
    assert.ok((await serving) instanceof ProtocolError)
  })
})

interface Client {
  readonly control: ControlClient
  readonly server: Channel
  readonly clock: ChannelPair['clock']
  /** What `run` threw, once it has ended. */
  readonly running: Promise<unknown>
}

/** A client whose peer is played by the test, at `server`. */
async function startClient(): Promise<Client> {
  const { client, server, clock } = await openChannel(CONTROL_PROTOCOL)
  const control = new ControlClient(client, clock)
  return { control, server, clock, running: errorOf(control.run()) }
}

/** A server whose peer is played by the test, at `client`. */
async function startServer(): Promise<ChannelPair & { readonly holdings: Holdings; readonly serving: Promise<unknown> }> {
  const pair = await openChannel(CONTROL_PROTOCOL)
  const holdings = new Holdings(pair.clock)
  const serving = serveControl(pair.server, {
    holdings,
    isLastResort: false,
    deltas: {
      delta: async () => undefined,
      offer: async (_, from) => (from.equals(snapshotOf(8)) ? { state: 'ready', sizes: new Map([[3, 40]]) } : { state: 'preparing' }),
    },
    metadata: async (name) => (name === file ? Buffer.from('signed') : undefined),
    neighbours: (_, except) => [`/memory/of/p2p/${except}`],
  })
  return { ...pair, holdings, serving: errorOf(serving) }
}

function snapshotOf(i: number): CID {
  return pageCid(new Uint8Array([i]))
}

function send(channel: Channel, message: ControlMessage): Promise<void> {
  return channel.send(encodeControl(message))
}

async function receive(channel: Channel): Promise<ControlMessage> {
  const bytes = await channel.receive()
  assert.ok(bytes !== undefined, 'the channel has ended')
  return decodeControl(bytes)
}

async function errorOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  )
}

/** The code of the error that a request ends with. */
async function outcomeOf(request: Promise<unknown>): Promise<string> {
  const error = await errorOf(request)
  return error instanceof Error && 'code' in error ? String(error.code) : `no such error: ${String(error)}`
}

function settledOf(work: Promise<string>): { outcome: string } {
  const settled = { outcome: 'still open' }
  void work.then((outcome) => (settled.outcome = outcome))
  return settled
}
