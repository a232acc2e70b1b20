import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Random, seededRandom } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'
import { createDialer, type Dialer, type DialerEvent, type Transport } from '../src/index.ts'
import { MemoryNetwork } from '../src/testing/index.ts'

describe('Dialer', () => {
  test('dials every address at once', async () => {
    const { clock, network, dial, events } = setUp()
    for (const name of ['a', 'b', 'c']) network.createTransport(name)
    dial('a', 'b', 'c')
    await clock.advance(20)
    assert.deepEqual(events.map(({ type, address }) => `${type} ${address}`).toSorted(), [
      `connected ${addressOf('a')}`,
      `connected ${addressOf('b')}`,
      `connected ${addressOf('c')}`,
    ])
  })

  test('waits twice as long after each failure, up to 30 s, and never quite the same', async () => {
    const { clock, dial, events } = setUp()
    dial('nobody')
    await clock.advance(300_000)
    const waits = events.map((event) => (event.type === 'dial-failed' ? event.retryInMs! : assert.fail(event.type)))
    assert.ok(waits.length > 10)
    waits.forEach((wait, i) => {
      const full = Math.min(30_000, 250 * 2 ** i)
      assert.ok(wait >= full / 2 && wait < full, `wait ${i} is ${wait} ms`)
    })
    assert.equal(new Set(waits).size, waits.length)
    const [first] = events
    assert.ok(first?.type === 'dial-failed' && first.reason === 'connection refused' && first.attempt === 1)
  })

  test('is back soon after a connection that held is lost', async () => {
    const { clock, network, dial, events } = setUp()
    network.createTransport('origin')
    dial('origin')
    await clock.advance(60_000)
    network.crash('origin')
    await clock.advance(20)
    network.createTransport('origin')
    await clock.advance(300)
    assert.deepEqual(
      events.map(({ type }) => type),
      ['connected', 'disconnected', 'connected'],
    )
  })

  test('backs off from a peer that hangs up on every connection', async () => {
    const { clock, network, dial, events } = setUp()
    const origin = network.createTransport('origin')
    origin.onPeerChange(({ type, peer }) => {
      if (type === 'connected') void origin.hangUp(peer)
    })
    dial('origin')
    await clock.advance(60_000)
    assert.ok(events.length < 40, `${events.length} events in a minute`)
  })

  test('gives up on what is no address', async () => {
    const { clock, random, transport, events, reporter } = setUp()
    const dialer = createDialer({ transport, addresses: ['nonsense'], clock, random, reporter })
    await clock.advance(60_000)
    assert.deepEqual(events, [
      { type: 'dial-failed', address: 'nonsense', reason: 'nonsense is not a multiaddr', attempt: 1, retryInMs: undefined },
    ])
    await dialer.stop()
  })

  test('stops in the middle of anything, and keeps the connections', async () => {
    const { clock, network, transport, dial, events } = setUp()
    network.createTransport('origin')
    const dialer = dial('origin', 'nobody')
    await clock.advance(60_000)
    await dialer.stop()
    const count = events.length
    await clock.advance(60_000)
    assert.equal(events.length, count)
    assert.deepEqual(transport.peers(), ['origin'])
    assert.equal(clock.nextTimerMs(), undefined)
  })
})

function addressOf(name: string): string {
  return `/memory/${name}/p2p/${name}`
}

interface Setup {
  readonly clock: ManualClock
  readonly random: Random
  readonly network: MemoryNetwork
  readonly transport: Transport
  readonly events: DialerEvent[]
  readonly reporter: { report(event: DialerEvent): void }
  readonly dial: (...names: string[]) => Dialer
}

function setUp(): Setup {
  const clock = new ManualClock()
  const random = seededRandom('dialer')
  const network = new MemoryNetwork({ clock, random, latencyMs: 5 })
  const transport = network.createTransport('self')
  const events: DialerEvent[] = []
  const reporter = { report: (event: DialerEvent): void => void events.push(event) }
  const dial = (...names: string[]): Dialer => createDialer({ transport, addresses: names.map(addressOf), clock, random, reporter })
  return { clock, random, network, transport, events, reporter, dial }
}
