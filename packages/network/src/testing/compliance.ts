import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, test } from 'node:test'
import type { PeerChange, Transport } from '../transport.ts'

import {
  addressOf,
  bytes,
  drain,
  ECHO,
  echoOnce,
  eventually,
  faultOf,
  flood,
  FLOOD_BYTES,
  greetingOf,
  MIB,
  openPair,
  pattern,
  publishUntil,
  reasonOf,
  receiveFlood,
  serveEcho,
  serveGreeting,
  SINK,
  text,
  TOPIC,
  UNRECEIVED_BYTES_MAX,
} from './compliance-tools.ts'

/** Makes transports that can reach each other, for one test. */
export interface ComplianceNetwork {
  createTransport(): Promise<Transport>
}

/** Holds an implementation of {@link Transport} to its contract. */
export function transportCompliance(name: string, createNetwork: () => ComplianceNetwork): void {
  /** A test that is given transports and stops them, whatever happens. */
  const check = (title: string, count: number, body: (...transports: Transport[]) => Promise<void>): void => {
    void test(title, { timeout: 60_000 }, async () => {
      const network = createNetwork()
      const transports: Transport[] = []
      try {
        for (let i = 0; i < count; i++) transports.push(await network.createTransport())
        await body(...transports)
      } finally {
        await Promise.all(transports.map((transport) => transport.stop()))
      }
    })
  }

  describe(`${name}: connections`, () => {
    check('a dial gives the peer, and both sides list it', 2, async (a, b) => {
      assert.equal(await a.dial(addressOf(b)), b.self)
      assert.deepEqual(a.peers(), [b.self])
      await eventually(() => b.peers().includes(a.self))
      assert.equal(await a.dial(addressOf(b)), b.self, 'a second dial returns at once')
      assert.ok(addressOf(b).endsWith(`/p2p/${b.self}`))
    })

    check('simultaneous dials leave the two connected', 2, async (a, b) => {
      await Promise.all([a.dial(addressOf(b)), b.dial(addressOf(a)), a.dial(addressOf(b))])
      assert.deepEqual([a.peers(), b.peers()], [[b.self], [a.self]])
      await serveEcho(b)
      await echoOnce(await a.open(b.self, ECHO), 'still there')
    })

    check('a dial that cannot succeed says why', 2, async (a, b) => {
      const address = addressOf(b)
      await b.stop()
      assert.equal(await faultOf(a.dial(address)).then(reasonOf), 'connection refused')
      assert.equal(await faultOf(a.dial(addressOf(a))).then(reasonOf), 'that is this peer itself')
      assert.equal((await faultOf(a.dial('not an address'))).code, 'BAD_ADDRESS')
    })

    check('an aborted dial rejects with the reason of its signal', 2, async (a, b) => {
      const reason = new Error('enough')
      await assert.rejects(a.dial(addressOf(b), { signal: AbortSignal.abort(reason) }), reason)
      const controller = new AbortController()
      const dialling = a.dial(addressOf(b), { signal: controller.signal })
      controller.abort(reason)
      await assert.rejects(dialling, reason)
    })

    check('changes are reported once each', 2, async (a, b) => {
      const seen: PeerChange[] = []
      const stop = a.onPeerChange((change) => seen.push(change))
      await a.dial(addressOf(b))
      await b.hangUp(a.self)
      await eventually(() => a.peers().length === 0 && b.peers().length === 0)
      assert.deepEqual(seen, [
        { type: 'connected', peer: b.self },
        { type: 'disconnected', peer: b.self },
      ])
      stop()
      await a.dial(addressOf(b))
      assert.equal(seen.length, 2)
    })

    check('hanging up breaks off the channels', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      await a.hangUp(b.self)
      for (const channel of [near, far]) {
        assert.equal((await faultOf(channel.receive())).code, 'CHANNEL_CLOSED')
        await eventually(() => channel.closed.aborted)
      }
      assert.equal((await faultOf(a.open(b.self, SINK))).code, 'NOT_CONNECTED')
    })

    check('a ban closes and refuses in both directions', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      assert.equal(b.isBanned(a.self), false)
      b.ban(a.self, 3_600_000)
      assert.equal(b.isBanned(a.self), true)
      for (const channel of [near, far]) assert.equal((await faultOf(channel.receive())).code, 'CHANNEL_CLOSED')
      await eventually(() => a.peers().length === 0 && b.peers().length === 0)
      assert.equal((await faultOf(b.dial(addressOf(a)))).code, 'BANNED')
      assert.equal((await faultOf(b.open(a.self, SINK))).code, 'BANNED')
      assert.equal((await faultOf(a.dial(addressOf(b)))).code, 'DIAL_FAILED')
      assert.deepEqual([a.peers(), b.peers()], [[], []])
    })

    check('a ban ends', 2, async (a, b) => {
      b.ban(a.self, 20)
      await eventually(() => !b.isBanned(a.self))
      assert.equal(await a.dial(addressOf(b)), b.self)
    })

    check('stop ends everything and is final', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      await b.stop()
      await b.stop()
      for (const channel of [near, far]) assert.equal((await faultOf(channel.receive())).code, 'CHANNEL_CLOSED')
      await eventually(() => a.peers().length === 0)
      assert.equal((await faultOf(b.dial(addressOf(a)))).code, 'STOPPED')
      assert.equal((await faultOf(b.open(a.self, SINK))).code, 'STOPPED')
      assert.deepEqual(b.addresses(), [])
    })
  })

  describe(`${name}: channels`, () => {
    check('opening fails with the fault that applies', 2, async (a, b) => {
      assert.equal((await faultOf(a.open(b.self, ECHO))).code, 'NOT_CONNECTED')
      await a.dial(addressOf(b))
      assert.equal((await faultOf(a.open(b.self, ECHO))).code, 'UNSUPPORTED_PROTOCOL')
      const reason = new Error('enough')
      await assert.rejects(a.open(b.self, ECHO, { signal: AbortSignal.abort(reason) }), reason)
      await serveEcho(b)
      await echoOnce(await a.open(b.self, ECHO), 'the connection has not suffered')
    })

    check('frames keep their order and their edges in both directions', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      assert.deepEqual([near.peer, far.peer, near.protocol], [b.self, a.self, SINK.name])
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        const sends = [from.send(bytes('one')), from.send(), from.send(bytes('t'), bytes(''), bytes('wo')), from.send(bytes('three'))]
        assert.deepEqual([await text(to), await text(to), await text(to), await text(to)], ['one', '', 'two', 'three'])
        await Promise.all(sends)
      }
    })

    check('frames wait for receivers and receivers for frames', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      const early = [text(far), text(far)]
      await near.send(bytes('one'))
      await near.send(bytes('two'))
      assert.deepEqual(await Promise.all(early), ['one', 'two'])
    })

    check('frames of 4 MiB arrive whole', 2, async (a, b) => {
      await serveEcho(b)
      await a.dial(addressOf(b))
      const channel = await a.open(b.self, ECHO)
      for (let i = 0; i < 3; i++) {
        const frame = pattern(4 * MIB, i)
        const sent = channel.send(frame.subarray(0, 100), frame.subarray(100))
        const back = await channel.receive()
        assert.ok(back !== undefined && Buffer.compare(back, frame) === 0)
        await sent
      }
    })

    for (const direction of ['to the handler', 'to the opener'] as const) {
      check(`a sender ${direction} is held up while nobody receives, and loses nothing`, 2, async (a, b) => {
        const { near, far } = await openPair(a, b, SINK)
        await serveEcho(b)
        const fence = await a.open(b.self, ECHO)
        const [from, to] = direction === 'to the handler' ? [near, far] : [far, near]
        let acceptedBytes = 0
        const flooding = flood(from, (bytes) => (acceptedBytes += bytes))

        // Held up means: another channel goes to and fro many times, and this one has not moved.
        for (let still = 0, before = -1; still < 20;) {
          await echoOnce(fence, 'to and fro')
          still = acceptedBytes === before ? still + 1 : 0
          before = acceptedBytes
        }
        assert.ok(acceptedBytes <= UNRECEIVED_BYTES_MAX, `${acceptedBytes} bytes were taken and nobody received`)

        assert.equal(await receiveFlood(to, () => undefined), FLOOD_BYTES)
        await flooding
      })
    }

    check('a slow receiver gets everything, both ways at once', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      // Yielding to the event loop lets the sender run ahead, so that reading stops and goes on many times.
      const slowly = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
      const received = [receiveFlood(near, slowly), receiveFlood(far, slowly)]
      await Promise.all([flood(near), flood(far)])
      assert.deepEqual(await Promise.all(received), [FLOOD_BYTES, FLOOD_BYTES])
    })

    check('many channels live side by side', 2, async (a, b) => {
      await serveEcho(b)
      await a.dial(addressOf(b))
      const channels = await Promise.all(Array.from({ length: 40 }, () => a.open(b.self, ECHO)))
      await Promise.all(channels.map((channel, i) => echoOnce(channel, `channel ${i}`)))
    })

    check('one peer holds at most so many channels', 2, async (a, b) => {
      await serveGreeting(b, SINK)
      await a.dial(addressOf(b))
      const one = await a.open(b.self, SINK)
      const two = await a.open(b.self, SINK)
      assert.deepEqual([await greetingOf(one), await greetingOf(two)], ['welcome', 'welcome'])
      const three = await a.open(b.self, SINK)
      assert.equal((await faultOf(three.receive())).code, 'CHANNEL_CLOSED')
      assert.deepEqual([one.closed.aborted, two.closed.aborted], [false, false])
      one.abort(new Error('room'))
      // The place is free once the other side has heard of it; until then another attempt is refused like the third.
      while ((await greetingOf(await a.open(b.self, SINK))) !== 'welcome') await delay(2)
    })

    check('a closed side has said its last, the other has not', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      await near.send(bytes('last words'))
      await near.close()
      await near.close()
      assert.equal((await faultOf(near.send(bytes('too late')))).code, 'CHANNEL_CLOSED')
      assert.equal(await text(far), 'last words')
      assert.equal(await far.receive(), undefined)
      assert.equal(await far.receive(), undefined)
      assert.deepEqual([near.closed.aborted, far.closed.aborted], [false, false])
      await far.send(bytes('an answer'))
      assert.equal(await text(near), 'an answer')
      await far.close()
      assert.equal(await near.receive(), undefined)
      await eventually(() => near.closed.aborted && far.closed.aborted)
    })

    check('a close comes after what was sent, however much that is', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      const sending = flood(near)
      const closing = sending.then(() => near.close())
      assert.equal(await receiveFlood(far, () => undefined), FLOOD_BYTES)
      assert.equal(await far.receive(), undefined)
      await closing
    })

    check('an abort ends both sides and whoever waits', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      const flooding = faultOf(flood(near))
      const waiting = faultOf(near.receive())
      const reason = new Error('enough')
      near.abort(reason)
      const faults = [await flooding, await waiting, await faultOf(near.send(bytes('more'))), await faultOf(near.receive())]
      assert.deepEqual(new Set(faults.map(({ code }) => code)), new Set(['CHANNEL_CLOSED']))
      assert.equal(near.closed.aborted, true)
      await eventually(() => far.closed.aborted)
      assert.equal((await faultOf(drain(far))).code, 'CHANNEL_CLOSED')
      assert.equal((await faultOf(far.send(bytes('more')))).code, 'CHANNEL_CLOSED')
      assert.deepEqual(a.peers(), [b.self])
    })

    check('an abort while nobody reads is not held up by what is queued', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, SINK)
      let acceptedBytes = 0
      const flooding = faultOf(flood(far, (bytes) => (acceptedBytes += bytes)))
      await eventually(() => acceptedBytes > 0)
      near.abort(new Error('enough'))
      assert.equal((await flooding).code, 'CHANNEL_CLOSED')
    })

    check('an error of a handler ends its channel and nothing else', 2, async (a, b) => {
      await b.handle(SINK, () => Promise.reject(new Error('a mistake')))
      await serveEcho(b)
      await a.dial(addressOf(b))
      const broken = await a.open(b.self, SINK)
      assert.equal((await faultOf(broken.receive())).code, 'CHANNEL_CLOSED')
      await echoOnce(await a.open(b.self, ECHO), 'unharmed')
    })

    check('a frame over the bound is refused and the channel with it', 2, async (a, b) => {
      const { near, far } = await openPair(a, b, { ...SINK, frameBytesMax: 1000 }, SINK)
      await near.send(new Uint8Array(1000))
      assert.equal((await far.receive())?.byteLength, 1000)
      await near.send(new Uint8Array(1001)).catch(() => {})
      assert.deepEqual(await faultOf(far.receive()), { code: 'FRAME_TOO_LARGE', peer: a.self, bytes: 1001, bytesMax: 1000 })
      assert.equal((await faultOf(near.receive())).code, 'CHANNEL_CLOSED')
      assert.deepEqual(a.peers(), [b.self])
    })
  })

  describe(`${name}: gossip`, () => {
    check('publishing to nobody resolves', 1, async (a) => {
      a.gossip.subscribe(TOPIC, () => 'accept')
      await a.gossip.publish(TOPIC, bytes('hello?'))
      await a.gossip.publish('/test/unknown', bytes('hello?'))
    })

    check('accepted messages travel on, and name their publisher', 3, async (a, b, c) => {
      const heard: string[] = []
      a.gossip.subscribe(TOPIC, () => 'accept')
      b.gossip.subscribe(TOPIC, () => 'accept')
      c.gossip.subscribe(TOPIC, (message, from) => {
        heard.push(`${from === a.self} ${new TextDecoder().decode(message).slice(0, 4)}`)
        return 'accept'
      })
      await a.dial(addressOf(b))
      await b.dial(addressOf(c))
      await publishUntil(a, 'news', () => heard.length > 0)
      assert.deepEqual(new Set(heard), new Set(['true news']))
    })

    check('what is ignored or rejected goes no further', 3, async (a, b, c) => {
      const heard = new Set<string>()
      a.gossip.subscribe(TOPIC, () => 'accept')
      b.gossip.subscribe(TOPIC, async (message) => {
        await Promise.resolve()
        const kind = new TextDecoder().decode(message).slice(0, 4)
        return kind === 'good' ? 'accept' : kind === 'dull' ? 'ignore' : 'reject'
      })
      c.gossip.subscribe(TOPIC, (message) => {
        heard.add(new TextDecoder().decode(message).slice(0, 4))
        return 'accept'
      })
      await a.dial(addressOf(b))
      await b.dial(addressOf(c))
      await publishUntil(a, 'good', () => heard.has('good'))
      heard.clear()
      await a.gossip.publish(TOPIC, bytes('dull'))
      await a.gossip.publish(TOPIC, bytes('evil'))
      await publishUntil(a, 'good', () => heard.has('good'))
      assert.deepEqual(heard, new Set(['good']))
    })

    check('nothing arrives on a topic that was left', 2, async (a, b) => {
      const heard: string[] = []
      const listen = (topic: string): void =>
        b.gossip.subscribe(topic, () => {
          heard.push(topic)
          return 'accept'
        })
      for (const topic of [TOPIC, '/test/left']) {
        listen(topic)
        a.gossip.subscribe(topic, () => 'accept')
      }
      await a.dial(addressOf(b))
      await publishUntil(a, 'news', () => heard.includes(TOPIC))
      b.gossip.unsubscribe('/test/left')
      heard.length = 0
      await a.gossip.publish('/test/left', bytes('anyone?'))
      await publishUntil(a, 'more', () => heard.includes(TOPIC))
      assert.deepEqual(new Set(heard), new Set([TOPIC]))
    })
  })
}
