import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, test } from 'node:test'
import type { MessageStream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { silentLog, systemClock } from '@cairn/runtime'
import { createLibp2pTransport, type Transport } from '../../src/index.ts'
import { noiseOnDemand } from '../../src/libp2p/noise-on-demand.ts'
import { eventually, MIB, pattern } from '../../src/testing/compliance-tools.ts'
import { closeOf, type EncrypterFactory, receive, securedPair, sendAll, startNode } from './tls-tools.ts'

const PROTOCOL = '/test/1'

const ours: EncrypterFactory = noiseOnDemand()
const stock: EncrypterFactory = noise()
const pairs = [
  { title: 'itself', near: ours, far: ours },
  { title: 'stock noise, dialling', near: ours, far: stock },
  { title: 'stock noise, dialled', near: stock, far: ours },
]

describe('our noise', { timeout: 120_000 }, () => {
  for (const { title, near, far } of pairs) {
    test(`works with ${title}`, async (t) => {
      const [a, b] = [await startNode(t, [near]), await startNode(t, [far])]
      // Shorter and longer than a record, and of the lengths where another cipher takes over.
      const frames = [1, 740, 760, 65_519, 100_000, 3 * MIB, 2].map((length, i) => pattern(length, i))
      const sent = Buffer.concat(frames)
      await b.handle(PROTOCOL, async (stream) => sendAll(stream, [await receive(stream, sent.byteLength)]))
      const connection = await a.dial(b.getMultiaddrs())
      assert.deepEqual([connection.encryption, connection.multiplexer], ['/noise', '/yamux/1.0.0'])
      const stream = await connection.newStream(PROTOCOL)
      const back = receive(stream, sent.byteLength)
      await sendAll(stream, frames)
      assert.equal(Buffer.compare(await back, sent), 0)
      assert.deepEqual([String(connection.remotePeer), String(b.getPeers())], [String(b.peerId), String(a.peerId)])
      await connection.close()
      await eventually(() => b.getConnections().length === 0)
    })

    test(`refuses another peer than the expected one, with ${title}`, async (t) => {
      const [a, b, other] = [await startNode(t, [near]), await startNode(t, [far]), await startNode(t, [far])]
      const address = String(b.getMultiaddrs()[0]).replace(String(b.peerId), String(other.peerId))
      await assert.rejects(a.dial(multiaddr(address)), /does not match expected remote identity key/)
      await eventually(() => a.getConnections().length + b.getConnections().length === 0)
    })
  }

  test('ends at a record that nobody has encrypted, and delivers nothing of it', async (t) => {
    for (const bytes of [40, 5000]) {
      const ends = await securedPair(t, stock, ours)
      const { connection: far } = await ends.far.secured
      const received: number[] = []
      far.addEventListener('message', ({ data }) => received.push(data.byteLength))
      const closed = closeOf(far)
      await ends.near.secured
      ends.near.connection.send(Buffer.concat([Uint8Array.of(bytes >> 8, bytes & 255), randomBytes(bytes)]))
      assert.ok((await closed) instanceof Error)
      assert.deepEqual(received, [])
    }
  })

  test('writes all records of a message at once', async (t) => {
    const ends = await securedPair(t, ours, ours)
    const [{ connection: near }, { connection: far }] = await Promise.all([ends.near.secured, ends.far.secured])
    const socket = socketOf(ends.near.connection)
    const single = t.mock.method(socket, '_write')
    const writev = socket._writev?.bind(socket)
    assert.ok(writev !== undefined)
    const gathered: number[] = []
    socket._writev = (chunks, done) => {
      gathered.push(chunks.length)
      writev(chunks, done)
    }
    const frame = pattern(5 * 65_519, 3)
    const received = receive(far, frame.byteLength)
    near.send(frame)
    assert.equal(Buffer.compare(await received, frame), 0)
    // Five records of a length, the bytes and a tag.
    assert.deepEqual([gathered, single.mock.callCount()], [[15], 0])
    assert.equal(socket.writableCorked, 0)
  })

  test('holds up a sender while nobody reads, and loses nothing', async (t) => {
    const ends = await securedPair(t, ours, ours)
    const [{ connection: near }, { connection: far }] = await Promise.all([ends.near.secured, ends.far.secured])
    const frames = Array.from({ length: 48 }, (_, i) => pattern(MIB, i))
    far.pause()
    let sentBytes = 0
    const sending = sendAll(near, frames, (bytes) => (sentBytes += bytes))
    for (let still = 0, before = -1; still < 20; before = sentBytes) {
      await new Promise((resolve) => setTimeout(resolve, 5))
      still = sentBytes === before ? still + 1 : 0
    }
    // The kernel's buffers, the sockets', and one frame that does not fit.
    assert.ok(sentBytes <= 24 * MIB, `${sentBytes} bytes were taken and nobody read`)
    const received = receive(far, frames.length * MIB)
    far.resume()
    await sending
    assert.equal(Buffer.compare(await received, Buffer.concat(frames)), 0)
  })

  test('delivers what was sent before a close, and then a clean end', async (t) => {
    const ends = await securedPair(t, ours, ours)
    const [{ connection: near }, { connection: far }] = await Promise.all([ends.near.secured, ends.far.secured])
    const frame = pattern(5 * MIB, 7)
    const [received, farEnd] = [receive(far, frame.byteLength), closeOf(far)]
    near.send(frame)
    await ends.near.connection.close()
    assert.equal(Buffer.compare(await received, frame), 0)
    assert.equal(await farEnd, undefined)
  })

  test('secures a connection that has no socket', async (t) => {
    const [near, far] = multiaddrConnectionPair()
    const encrypters: ReturnType<EncrypterFactory>[] = []
    const keep: EncrypterFactory = (components) => {
      const encrypter = noiseOnDemand()(components)
      encrypters.push(encrypter)
      return encrypter
    }
    const [a, b] = [await startNode(t, [keep]), await startNode(t, [keep])]
    const [outbound, inbound] = await Promise.all([encrypters[0]!.secureOutbound(near), encrypters[1]!.secureInbound(far)])
    assert.deepEqual([String(outbound.remotePeer), String(inbound.remotePeer)], [String(b.peerId), String(a.peerId)])
    const frame = pattern(MIB, 1)
    const received = receive(inbound.connection, frame.byteLength)
    outbound.connection.send(frame)
    assert.equal(Buffer.compare(await received, frame), 0)
  })
})

describe('a peer that speaks noise alone', { timeout: 60_000 }, () => {
  test('is dialled by our transport', async (t) => {
    const transport = await startTransport([])
    t.after(() => transport.stop())
    const peer = await startNode(t, [stock])
    const opened = once(peer, 'connection:open')
    void transport.dial(String(peer.getMultiaddrs()[0])).catch(() => {})
    await opened
    assert.deepEqual(
      peer.getConnections().map(({ encryption }) => encryption),
      ['/noise'],
    )
  })

  test('dials our transport', async (t) => {
    const transport = await startTransport(['/ip4/127.0.0.1/tcp/0'])
    t.after(() => transport.stop())
    const peer = await startNode(t, [stock])
    const connection = await peer.dial(multiaddr(transport.addresses()[0]))
    assert.deepEqual([connection.encryption, String(connection.remotePeer)], ['/noise', transport.self])
  })
})

function startTransport(listen: readonly string[]): Promise<Transport> {
  return createLibp2pTransport({ privateKey: randomBytes(32), listen, clock: systemClock, log: silentLog })
}

function socketOf(connection: MessageStream): Socket {
  assert.ok('socket' in connection)
  return connection.socket as Socket
}
