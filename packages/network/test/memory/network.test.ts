import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { seededRandom } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'
import { type Channel, NetworkError, type Protocol, type Transport } from '../../src/index.ts'
import { DIAL_TIMEOUT_MS } from '../../src/limits.ts'
import { MemoryNetwork, type MemoryNetworkInit } from '../../src/testing/index.ts'

const PROTOCOL: Protocol = { name: '/test/1', frameBytesMax: 1024 * 1024, channelsPerPeerMax: 4 }

describe('MemoryNetwork', () => {
  test('what is sent takes the latency and the time to write it', async () => {
    const { clock, near, far } = await setUp({ latencyMs: 10, bytesPerSecond: 1000 })
    const startMs = clock.monotonicMs()
    const arrivals: number[] = []
    for (const bytes of [100, 50]) {
      void near.send(new Uint8Array(bytes))
      void far.receive().then(() => arrivals.push(clock.monotonicMs() - startMs))
    }
    await clock.advance(1000)
    assert.deepEqual(arrivals, [110, 160])
  })

  test('a link can be given conditions of its own while it is in use', async () => {
    const { clock, network, near, far } = await setUp({ latencyMs: 1 })
    network.shape('a', 'b', { latencyMs: 500 })
    const startMs = clock.monotonicMs()
    void near.send(new Uint8Array(1))
    await Promise.all([far.receive(), clock.advance(1000)])
    assert.equal(clock.monotonicMs() - startMs, 1000)
    void near.send(new Uint8Array(1))
    let hasArrived = false
    void far.receive().then(() => (hasArrived = true))
    await clock.advance(499)
    assert.equal(hasArrived, false)
    await clock.advance(1)
    assert.equal(hasArrived, true)
  })

  test('a partition breaks connections, fails dials, and heals', async () => {
    const { clock, network, a, b, near } = await setUp({ latencyMs: 10 })
    network.partition('a', 'b')
    assert.deepEqual([a.peers(), b.peers()], [[], []])
    await assert.rejects(near.receive(), isFault('CHANNEL_CLOSED'))
    const dialling = a.dial(b.addresses()[0]!)
    await Promise.all([assert.rejects(dialling, /timed out/), clock.advance(DIAL_TIMEOUT_MS + 100)])
    network.heal('a', 'b')
    const [peer] = await Promise.all([a.dial(b.addresses()[0]!), clock.advance(100)])
    assert.equal(peer, 'b')
  })

  test('a crash is seen by the others, and the name is free again', async () => {
    const { clock, network, a, b } = await setUp({ latencyMs: 10 })
    network.crash('b')
    await assert.rejects(b.dial(a.addresses()[0]!), isFault('STOPPED'))
    await clock.advance(10)
    assert.deepEqual(a.peers(), [])
    const again = network.createTransport('b')
    await Promise.all([a.dial(again.addresses()[0]!), clock.advance(100)])
    assert.deepEqual([a.peers(), again.peers()], [['b'], ['a']])
  })

  test('a crash while a connection is being made fails the dial', async () => {
    const { clock, network, a } = await setUp({ latencyMs: 10 })
    const c = network.createTransport('c')
    const dialling = a.dial(c.addresses()[0]!)
    await clock.advance(15)
    network.crash('c')
    await Promise.all([assert.rejects(dialling, isFault('DIAL_FAILED')), clock.advance(100)])
    assert.deepEqual(a.peers(), ['b'])
  })

  test('a peer that does not listen can dial and cannot be dialled', async () => {
    const { clock, network, a } = await setUp({ latencyMs: 1 })
    const quiet = network.createTransport('quiet', { listens: false })
    assert.deepEqual(quiet.addresses(), [])
    await Promise.all([assert.rejects(a.dial('/memory/quiet/p2p/quiet'), /connection refused/), clock.advance(10)])
    await Promise.all([quiet.dial(a.addresses()[0]!), clock.advance(10)])
    assert.deepEqual(a.peers(), ['b', 'quiet'])
  })

  test('another peer at the address is noticed', async () => {
    const { clock, a } = await setUp({ latencyMs: 1 })
    await Promise.all([assert.rejects(a.dial('/memory/b/p2p/c'), /the peer there is b/), clock.advance(10)])
  })

  // Goal: a run is a function of its seed. Method: twelve peers exchange frames and gossip over jittery links, twice.
  test('the same seed gives the same run, another seed another', async () => {
    assert.deepEqual(await story('42'), await story('42'))
    assert.notDeepEqual(await story('42'), await story('43'))
  })
})

interface Setup {
  readonly clock: ManualClock
  readonly network: MemoryNetwork
  readonly a: Transport
  readonly b: Transport
  /** The ends of a channel from a to b. */
  readonly near: Channel
  readonly far: Channel
}

async function setUp(conditions: Partial<MemoryNetworkInit>): Promise<Setup> {
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom('memory'), ...conditions })
  const a = network.createTransport('a')
  const b = network.createTransport('b')
  const far = Promise.withResolvers<Channel>()
  await b.handle(PROTOCOL, (channel) => Promise.resolve(far.resolve(channel)))
  const near = a.dial(b.addresses()[0]!).then(() => a.open('b', PROTOCOL))
  await clock.advance(100)
  return { clock, network, a, b, near: await near, far: await far.promise }
}

function isFault(code: string): (error: unknown) => boolean {
  return (error) => error instanceof NetworkError && error.fault.code === code
}

/** Everything that happens in a small network, with its times. */
async function story(seed: string): Promise<readonly string[]> {
  const clock = new ManualClock()
  const network = new MemoryNetwork({ clock, random: seededRandom(seed), latencyMs: 5, jitterMs: 20, bytesPerSecond: 1_000_000 })
  const lines: string[] = []
  const tell = (line: string): void => void lines.push(`${clock.monotonicMs().toFixed(3)} ${line}`)
  const peers = Array.from({ length: 12 }, (_, i) => network.createTransport(`peer-${i}`))
  for (const peer of peers) {
    peer.onPeerChange((change) => tell(`${peer.self} ${change.type} ${change.peer}`))
    peer.gossip.subscribe('topic', (message, from) => {
      tell(`${peer.self} hears ${message[0]} of ${from}`)
      return 'accept'
    })
    await peer.handle(PROTOCOL, async (channel) => {
      for (let frame = await channel.receive(); frame !== undefined; frame = await channel.receive()) {
        tell(`${peer.self} receives ${frame.byteLength} of ${channel.peer}`)
      }
    })
  }
  const talk = peers.map(async (peer, i) => {
    const other = peers[(i + 1) % peers.length]!
    await peer.dial(other.addresses()[0]!)
    const channel = await peer.open(other.self, PROTOCOL)
    for (let n = 1; n <= 3; n++) await channel.send(new Uint8Array(n * 10_000))
    await peer.gossip.publish('topic', Uint8Array.of(i))
    await channel.close()
  })
  await clock.advance(5000)
  await Promise.all(talk)
  return lines
}
