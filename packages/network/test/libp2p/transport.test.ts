import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { gossipsub, type GossipSub, StrictNoSign, StrictSign } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { silentLog, systemClock } from '@cairn/runtime'
import {
  type Channel,
  createLibp2pTransport,
  type Libp2pTransportInit,
  NetworkError,
  type Protocol,
  type Transport,
} from '../../src/index.ts'

const PROTOCOL: Protocol = { name: '/test/1', frameBytesMax: 1024 * 1024, channelsPerPeerMax: 16 }

describe('createLibp2pTransport', { timeout: 120_000 }, () => {
  test('the same key gives the same peer', async (t) => {
    const privateKey = randomBytes(32)
    const first = await start(t, { privateKey })
    await first.stop()
    assert.equal((await start(t, { privateKey })).self, first.self)
  })

  test('a port in use is told in a sentence', async (t) => {
    const taken = await start(t)
    const address = taken.addresses()[0]!.replace(/\/p2p\/.*/, '')
    const fault = { code: 'LISTEN_FAILED', address, reason: 'the port is in use' }
    await assert.rejects(start(t, { listen: ['/ip4/127.0.0.1/tcp/0', address] }), isFault(fault))
  })

  test('addresses that are none, or that TCP cannot use, are told too', async (t) => {
    await assert.rejects(start(t, { listen: ['127.0.0.1:0'] }), isFault({ code: 'BAD_ADDRESS', address: '127.0.0.1:0' }))
    const address = '/ip4/127.0.0.1/udp/0/quic-v1'
    await assert.rejects(start(t, { listen: [address] }), isFault({ code: 'LISTEN_FAILED', address, reason: 'it is not a TCP address' }))
  })

  test('another peer at the address is not accepted', async (t) => {
    const [a, b, other] = [await start(t), await start(t), await start(t, { listen: [] })]
    const address = b.addresses()[0]!.replace(b.self, other.self)
    await assert.rejects(a.dial(address), isFault({ code: 'DIAL_FAILED', address, reason: 'another peer answers at that address' }))
    assert.deepEqual([a.peers(), b.peers()], [[], []])
  })

  test('what is announced replaces what was found', async (t) => {
    const a = await start(t, { announce: ['/dns4/cache.example/tcp/4001'] })
    assert.deepEqual(a.addresses(), [`/dns4/cache.example/tcp/4001/p2p/${a.self}`])
  })

  test('a peer store on disk is opened, closed and opened again', async (t) => {
    const peerStorePath = await mkdtemp(join(tmpdir(), 'cairn-peers-'))
    try {
      const a = await start(t, { peerStorePath })
      await a.dial((await start(t)).addresses()[0]!)
      await a.stop()
      await (await start(t, { peerStorePath })).stop()
    } finally {
      await rm(peerStorePath, { recursive: true })
    }
  })

  test('after stop the process ends by itself', async () => {
    const story = `
      import { createLibp2pTransport } from '@cairn/network'
      import { silentLog as log, systemClock as clock } from '@cairn/runtime'
      const start = (byte) => createLibp2pTransport({ privateKey: new Uint8Array(32).fill(byte), listen: ['/ip4/127.0.0.1/tcp/0'], clock, log })
      const [a, b] = await Promise.all([start(1), start(2)])
      const protocol = { name: '/test/1', frameBytesMax: 10, channelsPerPeerMax: 1 }
      await b.handle(protocol, async (channel) => { await channel.receive() })
      for (const { gossip } of [a, b]) gossip.subscribe('topic', () => 'accept')
      const channel = await a.open(await a.dial(b.addresses()[0]), protocol)
      await channel.send(new Uint8Array(10))
      await a.gossip.publish('topic', new Uint8Array(1))
      await Promise.all([a.stop(), b.stop()])
      console.log('stopped')`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', story], { cwd: import.meta.dirname })
    assert.equal(stdout, 'stopped\n')
  })

  // Goal: on a saturated link every channel gets its share, and small things (a new channel, a ping) still come through.
  // Method: ten channels flood through a slow proxy; libp2p alone serves the first four of them and nothing else.
  test('a saturated link is shared', async (t) => {
    const [a, b] = [await start(t), await start(t)]
    const receivedBytes = new Map<Channel, number>()
    await b.handle(PROTOCOL, async (channel) => {
      for (let frame = await channel.receive(); frame !== undefined; frame = await channel.receive()) {
        receivedBytes.set(channel, (receivedBytes.get(channel) ?? 0) + frame.byteLength)
        if (frame.byteLength === 1) await channel.send(frame)
      }
    })
    const proxy = await startSlowProxy(t, b.addresses()[0]!)
    const peer = await a.dial(proxy.address)
    const channels = await Promise.all(Array.from({ length: 10 }, () => a.open(peer, PROTOCOL)))
    const floods = channels.map(async (channel) => {
      for (;;) await channel.send(new Uint8Array(256 * 1024))
    })
    const late = await a.open(peer, PROTOCOL)
    for (let i = 0; i < 3; i++) {
      await late.send(Uint8Array.of(i))
      assert.deepEqual(await late.receive(), Uint8Array.of(i))
    }
    while (receivedBytes.size < 11 || [...receivedBytes.values()].filter((bytes) => bytes >= 1024 * 1024).length < 10) await delay(10)
    for (const channel of channels) channel.abort(new Error('enough'))
    await Promise.allSettled(floods)
  })

  test('a lost connection is no end of a channel', async (t) => {
    const [a, b] = [await start(t), await start(t)]
    const far = Promise.withResolvers<Channel>()
    await b.handle(PROTOCOL, (channel) => Promise.resolve(far.resolve(channel)))
    const proxy = await startSlowProxy(t, b.addresses()[0]!)
    const near = await a.open(await a.dial(proxy.address), PROTOCOL)
    await near.send(Uint8Array.of(1))
    assert.deepEqual(await (await far.promise).receive(), Uint8Array.of(1))
    const waiting = [near.receive(), far.promise.then((channel) => channel.receive())]
    proxy.cut()
    const isClosed = (error: unknown): boolean => error instanceof NetworkError && error.fault.code === 'CHANNEL_CLOSED'
    await Promise.all(waiting.map((receive) => assert.rejects(receive, isClosed)))
  })

  test('a stream that is closed inside a frame has been cut off', async (t) => {
    const a = await start(t)
    const received: string[] = []
    const { promise, resolve } = Promise.withResolvers<unknown>()
    await a.handle(PROTOCOL, async (channel) => {
      try {
        for (let frame = await channel.receive(); ; frame = await channel.receive()) received.push(String(frame))
      } catch (error) {
        resolve(error)
      }
    })
    const node = await startStock(t, a, StrictSign)
    const stream = await node.getConnections()[0]!.newStream(PROTOCOL.name)
    stream.send(Uint8Array.of(0, 0, 0, 1, 7, 0, 0))
    await stream.close()
    const fault = { code: 'CHANNEL_CLOSED', peer: node.peerId.toString(), reason: 'the peer closed it inside a frame' }
    assert.ok(isFault(fault)(await promise))
    assert.deepEqual(received, ['7'])
  })

  test('gossip that is not signed does not arrive', async (t) => {
    const a = await start(t)
    const heard: string[] = []
    a.gossip.subscribe('topic', (message) => {
      heard.push(new TextDecoder().decode(message).slice(0, 8))
      return 'accept'
    })
    const unsigned = await startStock(t, a, StrictNoSign)
    const signed = await startStock(t, a, StrictSign)
    for (let i = 0, sentCount = 0; sentCount < 5; i++) {
      const { recipients } = await unsigned.services.gossip.publish('topic', Buffer.from(`unsigned ${i}`))
      sentCount += recipients.length
      await delay(10)
    }
    for (let i = 0; !heard.includes('marked 1'); i++) {
      await signed.services.gossip.publish('topic', Buffer.from(`marked 1 ${i}`))
      await delay(10)
    }
    assert.deepEqual(new Set(heard), new Set(['marked 1']))
  })
})

async function start(t: TestContext, init: Partial<Libp2pTransportInit> = {}): Promise<Transport> {
  const transport = await createLibp2pTransport({
    privateKey: randomBytes(32),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    clock: systemClock,
    log: silentLog,
    ...init,
  })
  t.after(() => transport.stop())
  return transport
}

function isFault(fault: object): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NetworkError, String(error))
    assert.deepEqual(error.fault, fault)
    return true
  }
}

/** A libp2p node as others would set it up, connected to `to`. */
async function startStock(
  t: TestContext,
  to: Transport,
  policy: typeof StrictSign | typeof StrictNoSign,
): Promise<Libp2p<{ gossip: GossipSub }>> {
  const node = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), gossip: gossipsub({ globalSignaturePolicy: policy, allowPublishToZeroTopicPeers: true }) },
  })
  t.after(() => node.stop())
  await node.dial(multiaddr(to.addresses()[0]))
  return node
}

/** An address that leads to `address` at 16 MiB a second, until it is cut. */
async function startSlowProxy(t: TestContext, address: string): Promise<{ readonly address: string; readonly cut: () => void }> {
  const [, port] = /tcp\/(\d+)/.exec(address)!
  const sockets: Socket[] = []
  const pass = (from: Socket, to: Socket): void => {
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
    from.on('data', (bytes) => {
      to.write(bytes)
      from.pause()
      setTimeout(() => from.resume(), bytes.length / (16 * 1024))
    })
    sockets.push(from)
  }
  const proxy: Server = createServer((near) => {
    const far = connect(Number(port), '127.0.0.1')
    pass(near, far)
    pass(far, near)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    proxy.close()
    for (const socket of sockets) socket.destroy()
  }
  t.after(cut)
  const bound = proxy.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  return { address: address.replace(`/tcp/${port}`, `/tcp/${bound.port}`), cut }
}
