import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { NetworkError, type NetworkFault } from '../errors.ts'
import type { Channel, Protocol, Transport } from '../transport.ts'

export const MIB = 1024 * 1024
export const ECHO: Protocol = { name: '/test/echo/1', frameBytesMax: 8 * MIB, channelsPerPeerMax: 40 }
export const SINK: Protocol = { name: '/test/sink/1', frameBytesMax: 8 * MIB, channelsPerPeerMax: 2 }
export const TOPIC = '/test/topic'

/** How long to wait for what is bound to come before calling it a failure. */
const PATIENCE_MS = 30_000

/** Far more than any window, so that a sender that finishes without a reader has no backpressure. */
export const FLOOD_BYTES = 48 * MIB
/** What a sender may get rid of while nobody receives: both ends' windows and buffers, generously. */
export const UNRECEIVED_BYTES_MAX = 24 * MIB

export function addressOf(transport: Transport): string {
  return transport.addresses()[0]!
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

export async function text(channel: Channel): Promise<string> {
  return new TextDecoder().decode(await channel.receive())
}

/** Bytes that differ by position and seed, so that a lost or swapped part shows. */
export function pattern(length: number, seed: number): Uint8Array {
  const frame = new Uint8Array(length)
  for (let i = 0; i < length; i++) frame[i] = (i ^ (i >>> 8) ^ (i >>> 16)) + seed
  return frame
}

/** Waits for a condition that is bound to come. */
export async function eventually(condition: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS
  while (!condition()) {
    assert.ok(Date.now() < deadlineMs, `it has not come about: ${String(condition)}`)
    await delay(2)
  }
}

export async function faultOf(promise: Promise<unknown>): Promise<NetworkFault> {
  const error: unknown = await promise.then(
    () => assert.fail('it did not reject'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof NetworkError, String(error))
  return error.fault
}

export function reasonOf(fault: NetworkFault): string {
  assert.equal(fault.code, 'DIAL_FAILED')
  return fault.code === 'DIAL_FAILED' ? fault.reason : ''
}

export async function serveEcho(transport: Transport): Promise<void> {
  await transport.handle(ECHO, async (channel) => {
    for (let frame = await channel.receive(); frame !== undefined; frame = await channel.receive()) await channel.send(frame)
    await channel.close()
  })
}

export async function serveGreeting(transport: Transport, protocol: Protocol): Promise<void> {
  await transport.handle(protocol, async (channel) => {
    await channel.send(bytes('welcome'))
  })
}

export async function greetingOf(channel: Channel): Promise<string | undefined> {
  return text(channel).catch(() => undefined)
}

export async function echoOnce(channel: Channel, words: string): Promise<void> {
  const sent = channel.send(bytes(words))
  assert.equal(await text(channel), words)
  await sent
}

/** Connects the two, and gives both ends of a channel from the first to the second. */
export async function openPair(a: Transport, b: Transport, served: Protocol, opened = served): Promise<{ near: Channel; far: Channel }> {
  const { promise, resolve } = Promise.withResolvers<Channel>()
  await b.handle(served, (channel) => {
    resolve(channel)
    return Promise.resolve()
  })
  await a.dial(addressOf(b))
  return { near: await a.open(b.self, opened), far: await promise }
}

/** Sends {@link FLOOD_BYTES} in frames of uneven size, each of which says how much went before it. */
export async function flood(channel: Channel, onSent: (bytes: number) => void = () => {}): Promise<void> {
  const body = pattern(256 * 1024, 0)
  for (let sentBytes = 0, i = 0; sentBytes < FLOOD_BYTES; i++) {
    const length = Math.min(4 + ((i * 40_503) % body.byteLength), FLOOD_BYTES - sentBytes)
    const head = new Uint8Array(4)
    new DataView(head.buffer).setUint32(0, sentBytes)
    await channel.send(head.subarray(0, length), body.subarray(4, Math.max(4, length)))
    sentBytes += length
    onSent(length)
  }
}

/** Receives a flood; gives its bytes after checking that nothing is missing or out of place. */
export async function receiveFlood(channel: Channel, between: () => Promise<void> | undefined): Promise<number> {
  let receivedBytes = 0
  while (receivedBytes < FLOOD_BYTES) {
    const frame = await channel.receive()
    assert.ok(frame !== undefined, 'the channel ended early')
    if (frame.byteLength >= 4) {
      assert.equal(new DataView(frame.buffer, frame.byteOffset).getUint32(0), receivedBytes)
      const last = frame.byteLength - 1
      if (last >= 4) assert.equal(frame[last], (last ^ (last >>> 8) ^ (last >>> 16)) & 0xff)
    }
    receivedBytes += frame.byteLength
    await between()
  }
  return receivedBytes
}

export async function drain(channel: Channel): Promise<void> {
  while ((await channel.receive()) !== undefined);
}

/** Publishes messages that differ, until one has had the effect: gossip needs a moment to learn who listens. */
export async function publishUntil(transport: Transport, words: string, done: () => boolean): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS
  for (let i = 0; !done(); i++) {
    assert.ok(Date.now() < deadlineMs, `nobody has heard "${words}"`)
    await transport.gossip.publish(TOPIC, bytes(`${words} ${i}`))
    await delay(20)
  }
}
