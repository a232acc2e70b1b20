import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, connect as connectTcp, type Socket } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Libp2p, MessageStream, SecuredConnection } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { tls } from '@libp2p/tls'
import { generateCertificate } from '@libp2p/tls/utils'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { multiaddr } from '@multiformats/multiaddr'
import { silentLog, systemClock } from '@cairn/runtime'
import { createLibp2pTransport } from '../../src/index.ts'
import { tlsOnSocket } from '../../src/libp2p/tls/encrypter.ts'
import { takeSocket, tcpSocketOf } from '../../src/libp2p/tls/tcp-socket.ts'
import { TlsStream } from '../../src/libp2p/tls/tls-stream.ts'
import { eventually, MIB, pattern } from '../../src/testing/compliance-tools.ts'
import { agreeOn, closeOf, type EncrypterFactory, receive, securedPair, sendAll, socketCloseOf, startNode } from './tls-tools.ts'

const PROTOCOL = '/test/1'

/** Versions of `@libp2p/tcp` whose source was read for what `tcp-socket.ts` and `teardown.ts` assume of it. */
const TCP_VERSIONS_READ = ['11.0.28']

describe('the socket of a TCP connection', { timeout: 60_000 }, () => {
  test('is where we know it to be, in the version that is installed', async (t) => {
    const path = fileURLToPath(new URL('../../package.json', import.meta.resolve('@libp2p/tcp')))
    const manifest: unknown = JSON.parse(await readFile(path, 'utf8'))
    assert.ok(typeof manifest === 'object' && manifest !== null && 'version' in manifest)
    assert.ok(TCP_VERSIONS_READ.includes(String(manifest.version)), `read the source of ${String(manifest.version)} first`)

    const sockets: (Socket | undefined)[] = []
    const look: EncrypterFactory = () => {
      const secure = (connection: MessageStream): Promise<SecuredConnection> => {
        sockets.push(tcpSocketOf(connection))
        return Promise.reject(new Error('seen enough'))
      }
      return { protocol: '/test/look', secureInbound: secure, secureOutbound: secure }
    }
    const [a, b] = [await startNode(t, [look]), await startNode(t, [look])]
    await assert.rejects(a.dial(b.getMultiaddrs()))
    await eventually(() => sockets.length === 2)
    for (const socket of sockets) assert.ok(socket !== undefined)
  })

  test('is taken with all that has arrived', async (t) => {
    const { promise, resolve } = Promise.withResolvers<MessageStream>()
    const keep = (connection: MessageStream): Promise<SecuredConnection> => {
      resolve(connection)
      return new Promise((_, reject) => connection.addEventListener('close', () => reject(new Error('closed'))))
    }
    const node = await startNode(t, [() => ({ protocol: '/test/keep', secureInbound: keep, secureOutbound: keep })])
    const client = await agreeOn(t, node, '/test/keep')
    const connection = await promise
    client.write('early ')
    await eventually(() => connection.readBufferLength === 6)
    const socket = takeSocket(connection)
    let received = ''
    socket.setEncoding('utf8').on('data', (text: string) => (received += text))
    socket.resume()
    client.write('and late')
    await eventually(() => received.length === 14)
    assert.equal(received, 'early and late')
    assert.equal(connection.readBufferLength, 0)
    assert.throws(() => takeSocket(multiaddrConnectionPair()[0]), { name: 'StreamStateError' })
    client.destroy()
    await eventually(() => connection.status === 'closed')
  })

  test('is not looked for in other connections, which stock TLS secures', async (t) => {
    const [near, far] = multiaddrConnectionPair()
    assert.equal(tcpSocketOf(near), undefined)
    const encrypters: ReturnType<EncrypterFactory>[] = []
    const keep: EncrypterFactory = (components) => {
      const encrypter = tlsOnSocket()(components)
      encrypters.push(encrypter)
      return encrypter
    }
    const [a, b] = [await startNode(t, [keep]), await startNode(t, [keep])]
    const [outbound, inbound] = await Promise.all([encrypters[0]!.secureOutbound(near), encrypters[1]!.secureInbound(far)])
    assert.deepEqual([String(outbound.remotePeer), String(inbound.remotePeer)], [String(b.peerId), String(a.peerId)])
    const received = receive(inbound.connection, 5)
    outbound.connection.send(Buffer.from('hello'))
    assert.equal(String(await received), 'hello')
    assert.ok(!(outbound.connection instanceof TlsStream))
  })
})

describe('TLS on the socket', { timeout: 120_000 }, () => {
  const ours = tlsOnSocket()
  const pairs = [
    { title: 'itself', near: [ours], far: [ours], encryption: '/tls/1.0.0' },
    { title: 'stock TLS, dialling', near: [ours, noise()], far: [tls()], encryption: '/tls/1.0.0' },
    { title: 'stock TLS, dialled', near: [tls(), noise()], far: [noise(), ours], encryption: '/tls/1.0.0' },
    { title: 'noise, dialling', near: [ours, noise()], far: [noise()], encryption: '/noise' },
    { title: 'noise, dialled', near: [noise()], far: [ours, noise()], encryption: '/noise' },
  ]
  for (const { title, near, far, encryption } of pairs) {
    test(`works with ${title}`, async (t) => {
      const [a, b] = [await startNode(t, near), await startNode(t, far)]
      const received: Buffer[] = []
      await b.handle(PROTOCOL, async (stream) => {
        const frame = await receive(stream, 3 * MIB)
        received.push(frame)
        await sendAll(stream, [frame])
      })
      const connection = await a.dial(b.getMultiaddrs())
      assert.deepEqual([connection.encryption, connection.multiplexer], [encryption, '/yamux/1.0.0'])
      const frame = pattern(3 * MIB, 1)
      const stream = await connection.newStream(PROTOCOL)
      const back = receive(stream, frame.byteLength)
      await sendAll(stream, [frame])
      assert.equal(Buffer.compare(await back, frame), 0)
      assert.equal(Buffer.compare(received[0]!, frame), 0)
      assert.deepEqual([String(connection.remotePeer), String(b.getPeers())], [String(b.peerId), String(a.peerId)])
      await connection.close()
      await eventually(() => b.getConnections().length === 0)
    })
  }

  test('is what our transport prefers', async (t) => {
    const transport = await createLibp2pTransport({ privateKey: randomBytes(32), listen: [], clock: systemClock, log: silentLog })
    t.after(() => transport.stop())
    const stock = await startNode(t, [noise(), tls()])
    const opened = once(stock, 'connection:open')
    void transport.dial(String(stock.getMultiaddrs()[0])).catch(() => {})
    await opened
    assert.deepEqual(
      stock.getConnections().map(({ encryption }) => encryption),
      ['/tls/1.0.0'],
    )
  })

  test('agrees on a muxer in the handshake', async (t) => {
    for (const [near, far] of [
      [ours, ours],
      [ours, tls()],
      [tls(), ours],
    ] as const) {
      const ends = await securedPair(t, near, far)
      const [a, b] = await Promise.all([ends.near.secured, ends.far.secured])
      assert.deepEqual([a.connection instanceof TlsStream, b.connection instanceof TlsStream], [near === ours, far === ours])
      assert.deepEqual([a.streamMuxer?.protocol, b.streamMuxer?.protocol], ['/yamux/1.0.0', '/yamux/1.0.0'])
    }
  })

  test('holds up a sender while nobody reads, in both directions, and loses nothing', async (t) => {
    const ends = await securedPair(t, ours, ours)
    const [{ connection: near }, { connection: far }] = await Promise.all([ends.near.secured, ends.far.secured])
    const frames = Array.from({ length: 96 }, (_, i) => pattern(MIB, i))
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      to.pause()
      let sentBytes = 0
      const sending = sendAll(from, frames, (bytes) => (sentBytes += bytes))
      for (let still = 0, before = -1; still < 20; before = sentBytes) {
        await new Promise((resolve) => setTimeout(resolve, 5))
        still = sentBytes === before ? still + 1 : 0
      }
      // The kernel's buffers, TLS' on both sides, and one frame that does not fit.
      assert.ok(sentBytes <= 24 * MIB, `${sentBytes} bytes were taken and nobody read`)
      assert.ok(to.readBufferLength <= MIB)
      const received = receive(to, frames.length * MIB)
      to.resume()
      await sending
      assert.equal(Buffer.compare(await received, Buffer.concat(frames)), 0)
    }
  })

  test('delivers what was sent before a close, and then a clean end', async (t) => {
    const ends = await securedPair(t, ours, ours)
    const [{ connection: near }, { connection: far }] = await Promise.all([ends.near.secured, ends.far.secured])
    const frame = pattern(8 * MIB, 7)
    const [received, farEnd, nearEnd] = [receive(far, frame.byteLength), closeOf(far), closeOf(near)]
    near.send(frame.subarray(0, 5 * MIB))
    near.send(frame.subarray(5 * MIB))
    // As libp2p does it: not the stream but the connection beneath is closed.
    await ends.near.connection.close()
    assert.equal(Buffer.compare(await received, frame), 0)
    assert.deepEqual([await farEnd, await nearEnd], [undefined, undefined])
    assert.deepEqual([near.status, far.status], ['closed', 'closed'])
    assert.throws(() => near.send(frame), { name: 'StreamStateError' })
  })

  test('survives being aborted from its own callbacks', async (t) => {
    for (let i = 0; i < 24; i++) {
      const ends = await securedPair(t, ours, ours)
      const [{ connection: near }, { connection: far }] = await Promise.all([ends.near.secured, ends.far.secured])
      const [stream, connection] = i % 8 < 4 ? [near, ends.near.connection] : [far, ends.far.connection]
      const socket = tcpSocketWithin(connection)
      const kill = [
        () => stream.abort(new Error('enough')),
        () => connection.abort(new Error('enough')),
        () => socket.destroy(),
        () => socket.destroy(new Error('enough')),
      ][i % 4]!
      let left = i
      stream.addEventListener('message', () => {
        if (left-- === 0) kill()
      })
      const closed = Promise.all([closeOf(near), closeOf(far)])
      for (const each of [near, far]) void sendAll(each, Array(64).fill(pattern(MIB / 2, i))).catch(() => {})
      await closed
      await eventually(() => socket.closed)
    }
  })

  test('can be aborted at any moment of a close', async (t) => {
    for (let ticks = 0; ticks < 12; ticks++) {
      const ends = await securedPair(t, ours, ours)
      await Promise.all([ends.near.secured, ends.far.secured])
      const socket = tcpSocketWithin(ends.near.connection)
      void ends.near.connection.close().catch(() => {})
      for (let i = 0; i < ticks; i++) await new Promise<void>((resolve) => process.nextTick(resolve))
      ends.near.connection.abort(new Error('enough'))
      await eventually(() => socket.closed && ends.far.connection.status !== 'open')
    }
  })

  test('leaves no socket behind', async (t) => {
    const before = tcpCount()
    const [a, b] = [await startNode(t, [ours]), await startNode(t, [ours])]
    await a.dial(b.getMultiaddrs())
    await Promise.all([a.stop(), b.stop()])
    await eventually(() => tcpCount() <= before)
    assert.deepEqual([a.getConnections(), b.getConnections()], [[], []])
  })
})

describe('TLS on the socket refuses', { timeout: 120_000 }, () => {
  const ours = tlsOnSocket()

  test('another peer than the expected one', async (t) => {
    const before = tcpCount()
    const [a, b, other] = [await startNode(t, [ours]), await startNode(t, [ours]), await startNode(t, [ours])]
    const address = String(b.getMultiaddrs()[0]).replace(String(b.peerId), String(other.peerId))
    await assert.rejects(a.dial(multiaddr(address)), /Unexpected Peer/)
    await eventually(() => tcpCount() <= before + 3)
    assert.deepEqual([a.getConnections(), b.getConnections()], [[], []])
  })

  test('a client that shows no certificate, or one that its peer key has not signed', async (t) => {
    const node = await startNode(t, [ours])
    for (const certificate of [{}, await forgedCertificate()]) {
      const socket = connectTls({ socket: await agreeOn(t, node), rejectUnauthorized: false, ALPNProtocols: ['libp2p'], ...certificate })
      socket.on('error', () => {})
      socket.resume()
      await socketCloseOf(socket)
      assert.deepEqual(node.getConnections(), [])
    }
    await stillWorks(t, node)
  })

  test('an older TLS', async (t) => {
    const node = await startNode(t, [ours])
    const socket = connectTls({ socket: await agreeOn(t, node), rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
    await assert.rejects(once(socket, 'secureConnect'))
    await stillWorks(t, node)
  })

  test('what is no handshake, and one that breaks off', async (t) => {
    const node = await startNode(t, [ours])
    const garbage = await agreeOn(t, node)
    garbage.resume().write(randomBytes(100))
    await socketCloseOf(garbage)
    const truncated = await agreeOn(t, node)
    // The first bytes of a record that promises 512.
    truncated.resume().end(Buffer.from('160301020001000', 'hex'))
    await socketCloseOf(truncated)
    await stillWorks(t, node)
  })

  test('to wait for ever', async (t) => {
    const node = await startNode(t, [ours], 200)
    const silent = await agreeOn(t, node)
    await socketCloseOf(silent.resume())
    const deaf = createServer((socket) => {
      socket.once('data', () => socket.write('\x13/multistream/1.0.0\n\x0b/tls/1.0.0\n'))
      socket.on('error', () => {})
    })
    t.after(() => deaf.close())
    await new Promise<void>((resolve) => deaf.listen(0, '127.0.0.1', resolve))
    const bound = deaf.address()
    assert.ok(typeof bound === 'object' && bound !== null)
    await assert.rejects(node.dial(multiaddr(`/ip4/127.0.0.1/tcp/${bound.port}`)))
    assert.deepEqual(node.getConnections(), [])
  })

  for (const direction of ['to the listener', 'to the dialler'] as const) {
    test(`bytes that were changed on their way ${direction}`, async (t) => {
      const [a, b] = [await startNode(t, [ours]), await startNode(t, [ours])]
      const received: number[] = []
      await b.handle(PROTOCOL, (stream) => {
        stream.addEventListener('message', ({ data }) => {
          received.push(...data.subarray())
          stream.send(data)
        })
      })
      const proxy = await startTamperer(t, b, direction)
      const connection = await a.dial(multiaddr(proxy.address))
      const stream = await connection.newStream(PROTOCOL)
      const echo = receive(stream, 1)
      stream.send(Uint8Array.of(1))
      assert.deepEqual([...(await echo)], [1])
      const echoed: number[] = []
      stream.addEventListener('message', ({ data }) => echoed.push(...data.subarray()))
      proxy.tamper()
      stream.send(Uint8Array.of(2))
      await eventually(() => a.getConnections().length === 0 && b.getConnections().length === 0)
      assert.deepEqual([received, echoed], [direction === 'to the listener' ? [1] : [1, 2], []])
    })
  }
})

/** The one socket of a connection, taken or not. */
function tcpSocketWithin(connection: MessageStream): Socket {
  assert.ok('socket' in connection)
  return connection.socket as Socket
}

function tcpCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TCPServerWrap').length
}

/** Names a peer whose private key its maker does not have. */
async function forgedCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const victim = await generateKeyPair('Ed25519')
  return await generateCertificate(Object.create(victim, { sign: { value: () => randomBytes(64) } }))
}

/** An address that leads to `to`, and a switch that spoils the next bytes on their way. */
async function startTamperer(
  t: TestContext,
  to: Libp2p,
  direction: string,
): Promise<{ readonly address: string; readonly tamper: () => void }> {
  const target = String(to.getMultiaddrs()[0])
  const [, port] = /tcp\/(\d+)/.exec(target)!
  let isTampering = false
  let hasSpoilt = false
  const pass = (from: Socket, into: Socket, isSpoilt: boolean): void => {
    t.after(() => from.destroy())
    from.on('error', () => into.destroy())
    from.on('close', () => into.destroy())
    from.on('data', (bytes) => {
      // The first byte after the head of a record.
      if (isTampering && isSpoilt) bytes[5]! ^= 1
      hasSpoilt ||= isTampering && isSpoilt
      // Nobody is helped by the other side's alert.
      if (!hasSpoilt || isSpoilt) into.write(bytes)
    })
  }
  const proxy = createServer((near) => {
    const far = connectTcp(Number(port), '127.0.0.1')
    pass(near, far, direction === 'to the listener')
    pass(far, near, direction === 'to the dialler')
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => proxy.close())
  const bound = proxy.address()
  assert.ok(typeof bound === 'object' && bound !== null)
  return { address: target.replace(`/tcp/${port}`, `/tcp/${bound.port}`), tamper: () => void (isTampering = true) }
}

async function stillWorks(t: TestContext, node: Libp2p): Promise<void> {
  const peer = await startNode(t, [tlsOnSocket()])
  assert.equal((await peer.dial(node.getMultiaddrs())).status, 'open')
}
