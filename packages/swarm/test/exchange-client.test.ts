import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Channel } from '@cairn/network'
import { sampleBlocks, sampleBytes } from '@cairn/storage/testing'
import { type CID, type DataMessage, EXCHANGE_PROTOCOL, type ExchangeMessage, pageCid, ProtocolError } from '@cairn/protocol'
import { type BlockAnswer, ExchangeClient } from '../src/exchange/client.ts'
import { eventually, openChannel } from './channel-pair.ts'
import { receive, send } from './exchange-messages.ts'

const DEADLINE_MS = 1000
const blocks = sampleBlocks(3, 1000)
const [first, second, third] = [blocks[0]!, blocks[1]!, blocks[2]!]

describe('ExchangeClient', () => {
  it('asks for blocks, and joins the slices of each', async () => {
    const { want, answers, server } = await startClient()
    want(first.cid, second.cid)
    const asked = await receive(server)
    assert.deepEqual(asked.type === 'want' && asked.cids.map(String), [first.cid, second.cid].map(String))
    const frame = sampleBytes('frame', 700)
    await send(server, slice({ position: 1, total: 700, slice: frame.subarray(0, 300) }))
    await send(server, slice({ position: 0, total: 4, slice: new Uint8Array([0, 1, 2, 3]) }))
    await send(server, slice({ position: 1, offset: 300, total: 700, slice: frame.subarray(300) }))
    await eventually(() => answers.length === 2)
    assert.deepEqual(answers, [
      { position: 0, type: 'frame', frame: new Uint8Array([0, 1, 2, 3]) },
      { position: 1, type: 'frame', frame: new Uint8Array(frame) },
    ])
  })

  it('hears which blocks will not come', async () => {
    const { want, answers, server, client } = await startClient()
    want(first.cid, second.cid, third.cid)
    const others = want(first.cid)
    await send(server, slice({ position: 1 }))
    await send(server, { type: 'refuse', id: 1, position: 0, code: 'BUSY' })
    await send(server, { type: 'refuse', id: 1, position: 'all', code: 'NOT_FOUND' })
    await eventually(() => answers.length === 3)
    assert.deepEqual(
      answers.map((answer) => [answer.position, answer.type === 'refused' ? answer.code : answer.type]),
      [
        [1, 'frame'],
        [0, 'BUSY'],
        [2, 'NOT_FOUND'],
      ],
    )
    assert.deepEqual([others.length, client.isOpen], [0, true])
  })

  it('says what it has before it asks, and again only when that changes', async () => {
    const { exchange, server } = await startClient()
    const ask = (basis?: readonly CID[]): void => void exchange.want([wanted(first.cid)], DEADLINE_MS, () => {}, basis)
    const [one, two] = [pageCid(Uint8Array.of(1)), pageCid(Uint8Array.of(2))]
    for (const basis of [[], [one], [one], undefined, [one, two], []]) ask(basis)
    const heard: string[] = []
    for (let i = 0; i < 9; i++) {
      const message = await receive(server)
      heard.push(message.type === 'basis' ? message.snapshots.map(String).join() : message.type)
    }
    assert.deepEqual(heard, ['want', one.toString(), 'want', 'want', 'want', [one, two].join(), 'want', '', 'want'])
  })

  it('takes a block back only while its answer is out', async () => {
    const { exchange, server, answers } = await startClient()
    const request = exchange.want([wanted(first.cid)], DEADLINE_MS, (position, answer) => answers.push({ position, ...answer }))
    await receive(server)
    request.cancel(0)
    assert.deepEqual(await receive(server), { type: 'cancel', id: 1, position: 0 })
    await send(server, { type: 'refuse', id: 1, position: 0, code: 'CANCELLED' })
    await eventually(() => answers.length === 1)
    request.cancel(0)
    exchange.want([wanted(second.cid)], DEADLINE_MS, () => {})
    assert.equal((await receive(server)).type, 'want')
  })

  it('answers everything as lost when the peer leaves, and what is asked afterwards', async () => {
    const { want, answers, server, client, complaints } = await startClient()
    want(first.cid, second.cid)
    await server.close()
    await eventually(() => answers.length === 2)
    const later = want(third.cid)
    assert.deepEqual(later, [], 'never before `want` returns')
    await eventually(() => later.length === 1)
    assert.deepEqual(
      [...answers, ...later].map(({ type }) => type),
      ['lost', 'lost', 'lost'],
    )
    assert.deepEqual([client.isOpen, complaints.length], [false, 0])
  })

  it('answers everything as lost when it is given up here', async () => {
    const { want, answers, client, complaints } = await startClient()
    want(first.cid)
    client.abort(new Error('stopped'))
    assert.deepEqual(answers, [{ position: 0, type: 'lost', reason: 'stopped' }])
    assert.equal(complaints.length, 0)
  })

  const lies: Readonly<Record<string, { readonly messages: readonly ExchangeMessage[]; readonly complaint: RegExp }>> = {
    'a block of a request that was never made': { messages: [slice({ id: 7 })], complaint: /a block that nobody asked for/ },
    'a block at a position that was not asked': { messages: [slice({ position: 3 })], complaint: /a block that nobody asked for/ },
    'a block twice': { messages: [slice({}), slice({})], complaint: /a block that nobody asked for/ },
    'a block above its bound': { messages: [slice({ total: 1002 })], complaint: /block is 1002, 1001 is the most/ },
    'a first slice from the middle': { messages: [slice({ offset: 4, total: 8 })], complaint: /a slice at 4 where 0 follows/ },
    'a slice twice': { messages: [slice({ total: 8 }), slice({ total: 8 })], complaint: /a slice at 0 where 4 follows/ },
    'slices with a gap': {
      messages: [slice({ total: 100 }), slice({ offset: 8, total: 100 })],
      complaint: /a slice at 8 where 4 follows/,
    },
    'a block that grows': {
      messages: [slice({ total: 100 }), slice({ offset: 4, total: 101 })],
      complaint: /a block whose size changes/,
    },
    'a block that shrinks to its end': {
      messages: [slice({ total: 100 }), slice({ offset: 4, total: 8 })],
      complaint: /a block whose size changes/,
    },
    'a refusal of nothing': {
      messages: [{ type: 'refuse', id: 9, position: 0, code: 'BUSY' }],
      complaint: /a refusal that nobody asked for/,
    },
    'a want': { messages: [{ type: 'want', id: 1, deadlineMs: 1, cids: [first.cid] }], complaint: /a want that nobody asked for/ },
    'a basis': { messages: [{ type: 'basis', snapshots: [] }], complaint: /a basis that nobody asked for/ },
    'a cancel': { messages: [{ type: 'cancel', id: 1, position: 0 }], complaint: /a cancel that nobody asked for/ },
  }
  for (const [lie, { messages, complaint }] of Object.entries(lies)) {
    it(`cuts a peer off that sends ${lie}`, async () => {
      const { want, answers, server, client, complaints } = await startClient()
      want(first.cid, second.cid)
      for (const message of messages) await send(server, message)
      await eventually(() => complaints.length > 0)
      assert.match(complaints[0]!.message, complaint)
      await eventually(() => answers.length === 2)
      assert.ok(answers.some(({ type }) => type === 'lost'))
      assert.equal(client.isOpen, false)
      await eventually(() => server.closed.aborted)
    })
  }

  it('cuts a peer off that sends what is no message', async () => {
    const { answers, want, server, complaints } = await startClient()
    want(first.cid)
    await server.send(new Uint8Array([9, 9, 9, 9, 9, 9, 9]))
    await eventually(() => answers.length === 1)
    assert.equal(complaints.length, 1)
  })
})

type Answered = { readonly position: number } & BlockAnswer

/** A client whose peer is played by the test, at `server`. */
async function startClient(): Promise<{
  readonly server: Channel
  readonly client: ExchangeClient
  readonly exchange: ExchangeClient
  readonly complaints: ProtocolError[]
  /** Answers of the first request. */
  readonly answers: Answered[]
  /** Asks for these blocks, of at most 1001 bytes each; gives where the answers will be. */
  readonly want: (...cids: readonly CID[]) => readonly Answered[]
}> {
  const pair = await openChannel(EXCHANGE_PROTOCOL)
  const complaints: ProtocolError[] = []
  const exchange = new ExchangeClient(pair.client, (error) => complaints.push(error))
  void exchange.run()
  const answers: Answered[] = []
  let isFirst = true
  const want = (...cids: readonly CID[]): readonly Answered[] => {
    const own = isFirst ? answers : []
    isFirst = false
    exchange.want(cids.map(wanted), DEADLINE_MS, (position, answer) => own.push({ position, ...answer }))
    return own
  }
  return { server: pair.server, client: exchange, exchange, complaints, answers, want }
}

function wanted(cid: CID): { readonly cid: CID; readonly frameBytesMax: number } {
  return { cid, frameBytesMax: 1001 }
}

/** A `data` message that answers the first request with a whole block of four bytes, but for what is given. */
function slice(different: Partial<DataMessage>): DataMessage {
  const bytes = different.slice ?? new Uint8Array([1, 2, 3, 4])
  return { type: 'data', id: 1, position: 0, offset: 0, total: bytes.byteLength, ...different, slice: new Uint8Array(bytes) }
}
