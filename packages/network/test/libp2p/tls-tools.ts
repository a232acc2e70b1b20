import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { Libp2p, MessageStream, SecureConnectionOptions, SecuredConnection } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { createLibp2p, type Libp2pOptions } from 'libp2p'

export type EncrypterFactory = NonNullable<Libp2pOptions['connectionEncrypters']>[number]

/** A connection as it was given to an encrypter, and what the encrypter made of it. */
export interface End {
  readonly connection: MessageStream
  readonly secured: Promise<SecuredConnection>
}

/** A libp2p node as others would set it up, which listens. */
export async function startNode(t: TestContext, encrypters: readonly EncrypterFactory[], timeoutMs = 30_000): Promise<Libp2p> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [...encrypters],
    streamMuxers: [yamux()],
    connectionManager: { dialTimeout: timeoutMs, addressDialTimeout: timeoutMs, inboundUpgradeTimeout: timeoutMs, reconnectRetries: 0 },
  })
  t.after(() => node.stop())
  return node
}

/** Both ends of one connection through libp2p's TCP, secured by `near` and `far`, that libp2p itself does nothing more with. */
export async function securedPair(t: TestContext, near: EncrypterFactory, far: EncrypterFactory): Promise<{ near: End; far: End }> {
  const ends: Promise<End>[] = []
  const nodes: Libp2p[] = []
  for (const create of [near, far]) {
    const { promise, resolve } = Promise.withResolvers<End>()
    ends.push(promise)
    nodes.push(await startNode(t, [intercept(create, resolve)]))
  }
  void nodes[0]!.dial(nodes[1]!.getMultiaddrs()).catch(() => {})
  const [a, b] = await Promise.all(ends)
  assert.ok(a !== undefined && b !== undefined)
  // Before the nodes stop: they wait for the encrypters, which wait for the connections.
  t.after(() => [a, b].forEach(({ connection }) => connection.abort(new Error('the test is over'))))
  return { near: a, far: b }
}

/** What `create` makes, with the result kept from the upgrader until the connection has closed. */
function intercept(create: EncrypterFactory, onEnd: (end: End) => void): EncrypterFactory {
  return (components) => {
    const encrypter = create(components)
    const secure = async (side: 'secureInbound' | 'secureOutbound', connection: MessageStream, options?: SecureConnectionOptions) => {
      const closed = new Promise((resolve) => connection.addEventListener('close', resolve))
      const secured = encrypter[side](connection, options)
      onEnd({ connection, secured })
      await secured
      await closed
      throw new Error('the test is over')
    }
    return {
      protocol: encrypter.protocol,
      secureInbound: (connection, options) => secure('secureInbound', connection, options),
      secureOutbound: (connection, options) => secure('secureOutbound', connection, options),
    }
  }
}

/** A socket that has agreed with `node` on an encrypter, and has not begun with it. */
export async function agreeOn(t: TestContext, node: Libp2p, protocol = '/tls/1.0.0'): Promise<Socket> {
  const [, port] = /tcp\/(\d+)/.exec(String(node.getMultiaddrs()[0]))!
  const socket = connect(Number(port), '127.0.0.1')
  t.after(() => socket.destroy())
  socket.on('error', () => {})
  const agreement = ['/multistream/1.0.0', protocol].map((line) => `${String.fromCharCode(line.length + 1)}${line}\n`).join('')
  socket.write(agreement)
  for (let answer = ''; answer.length < agreement.length;) {
    const [bytes]: unknown[] = await once(socket, 'data')
    answer += String(bytes)
    assert.ok(agreement.startsWith(answer), answer)
  }
  socket.pause()
  return socket
}

/** Resolves when `socket` has closed, also after an error. */
export function socketCloseOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}

/** Resolves when `stream` has ended, with its error if it had one. */
export function closeOf(stream: MessageStream): Promise<Error | undefined> {
  return new Promise((resolve) => stream.addEventListener('close', ({ error }) => resolve(error), { once: true }))
}

/** The bytes that `stream` gives, until it has given `count`. */
export function receive(stream: MessageStream, count: number): Promise<Buffer> {
  const parts: Uint8Array[] = []
  let bytes = 0
  return new Promise((resolve, reject) => {
    stream.addEventListener('message', ({ data }) => {
      parts.push(data.subarray())
      bytes += data.byteLength
      if (bytes >= count) resolve(Buffer.concat(parts))
    })
    stream.addEventListener('close', () => reject(new Error(`closed after ${bytes} bytes`)))
  })
}

/** Sends as fast as `stream` takes it, frame by frame; resolves when it has taken the last. */
export async function sendAll(
  stream: MessageStream,
  frames: Iterable<Uint8Array>,
  onSent: (bytes: number) => void = () => {},
): Promise<void> {
  for (const frame of frames) {
    const isTaken = stream.send(frame)
    onSent(frame.byteLength)
    if (!isTaken) await new Promise((resolve) => stream.addEventListener('drain', resolve, { once: true }))
  }
}
