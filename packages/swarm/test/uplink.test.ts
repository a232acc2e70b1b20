import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel } from '@cairn/network'
import { MemoryNetwork } from '@cairn/network/testing'
import {
  chunkCid,
  type CID,
  decodeExchange,
  encodeExchange,
  EXCHANGE_PROTOCOL,
  FRAME_BYTES_MAX,
  plainFrame,
  sha256,
  SLICE_BYTES_MAX,
} from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'
import { sampleBytes } from '@cairn/storage/testing'
import { serveExchange } from '../src/exchange/server.ts'
import { Uplink } from '../src/exchange/uplink.ts'
import type { SwarmEvent } from '../src/index.ts'
import { SERVING_LIMITS, SERVING_SLOW_MS, SERVING_STALL_MS, SERVING_TICK_MS } from '../src/limits.ts'
import { dial, quiet } from './channel-pair.ts'

const DEADLINE_MS = 600_000
const BLOCK_BYTES = 2 * SLICE_BYTES_MAX

describe('Uplink', () => {
  it('takes back what was read for a peer that takes nothing, and sends it once the peer goes on', async () => {
    await using stage = new Stage(4)
    const slow = await stage.ask('slow', [0, 1, 2, 3])
    await quiet(stage.clock)
    const readBytes = stage.uplink.heldBytes
    assert.ok(readBytes > BLOCK_BYTES, 'one is being sent, and one at least is read ahead')
    await stage.clock.advance(SERVING_SLOW_MS + SERVING_TICK_MS)
    assert.equal(stage.uplink.heldBytes, BLOCK_BYTES, 'the one of which a slice is on its way')
    for (const position of [0, 1, 2, 3]) {
      assert.deepEqual(await stage.receiveBlock(slow), { id: 1, position, frame: stage.frames[position] })
    }
    assert.deepEqual(stage.dropped(), [])
  })

  it('cuts off whoever took nothing for the longest when others wait for the memory', async () => {
    await using stage = new Stage(1, { ...SERVING_LIMITS, bytesMax: FRAME_BYTES_MAX + BLOCK_BYTES })
    const stuck = [await stage.ask('first', [0]), await stage.ask('second', [0])]
    const waiting = await stage.ask('waiting', [0])
    await stage.clock.advance(SERVING_SLOW_MS - 1)
    assert.deepEqual(stage.dropped(), [])
    await stage.clock.advance(2 * SERVING_TICK_MS)
    assert.deepEqual(stage.dropped(), [['first', 'memory']])
    assert.deepEqual((await stage.receiveBlock(waiting)).frame, stage.frames[0])
    assert.deepEqual(
      stuck.map(({ closed }) => closed.aborted),
      [true, false],
    )
    assert.deepEqual((await stage.receiveBlock(stuck[1]!)).frame, stage.frames[0])
  })

  it('serves everybody else as if those that never read were not there', async () => {
    await using stage = new Stage(8)
    const everything = stage.frames.map((_, i) => i)
    for (let i = 0; i < 20; i++) await stage.ask(`never-${i}`, everything)
    const reading = await Promise.all(['a', 'b', 'c'].map((name) => stage.ask(name, everything)))
    await Promise.all(
      reading.map(async (channel) => {
        for (const position of everything) assert.equal((await stage.receiveBlock(channel)).position, position)
      }),
    )
    assert.ok(stage.heldBytesMax <= SERVING_LIMITS.bytesMax)
    await stage.clock.advance(SERVING_STALL_MS + SERVING_TICK_MS)
    assert.deepEqual(
      stage.dropped().map(([, reason]) => reason),
      Array.from({ length: 20 }, () => 'stalled'),
    )
    assert.equal(stage.uplink.heldBytes, 0)
  })

  it('gives a peer with four channels no more than a peer with one', async () => {
    await using stage = new Stage(64, { ...SERVING_LIMITS, peerBytesMax: 1, newcomerBytes: 0 })
    const everything = stage.frames.map((_, i) => i)
    const many = await Promise.all([1, 2, 3, 4].map(() => stage.ask('many', everything)))
    const one = await stage.ask('one', everything)
    let last: string | undefined
    const received = { many: 0, one: 0 }
    const drain = async (name: 'many' | 'one', channel: Channel): Promise<void> => {
      for (const _ of everything) {
        await stage.receiveBlock(channel)
        received[name] += 1
        last ??= received.one === everything.length ? `${received.many}` : undefined
      }
    }
    await Promise.all([...many.map((channel) => drain('many', channel)), drain('one', one)])
    assert.ok(Number(last) <= everything.length + 4, `${last} blocks went to the other by the time that it had its ${everything.length}`)
  })
})

/** An uplink with `count` different blocks of {@link BLOCK_BYTES}, and peers that ask it for them. */
class Stage implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly uplink: Uplink
  readonly frames: readonly Uint8Array[]
  heldBytesMax = 0
  readonly #cids: readonly CID[]
  readonly #events: SwarmEvent[] = []
  readonly #network: MemoryNetwork
  readonly #server: ReturnType<MemoryNetwork['createTransport']>
  readonly #peers = new Map<string, ReturnType<MemoryNetwork['createTransport']>>()

  constructor(count: number, limits = SERVING_LIMITS) {
    const plain = Array.from({ length: count }, (_, i) => sampleBytes(`block ${i}`, BLOCK_BYTES - 1))
    this.frames = plain.map((bytes) => plainFrame(bytes))
    this.#cids = plain.map((bytes) => chunkCid(sha256(bytes)))
    const frames = new Map(this.#cids.map((cid, i) => [cid.toString(), this.frames[i]!]))
    const get = async (cid: CID): Promise<Uint8Array | undefined> => {
      this.heldBytesMax = Math.max(this.heldBytesMax, this.uplink.heldBytes)
      return frames.get(cid.toString())
    }
    const reporter = { report: (event: SwarmEvent) => this.#events.push(event) }
    this.uplink = new Uplink({ clock: this.clock, source: { has: (cid) => frames.has(cid.toString()), get }, reporter }, limits)
    this.#network = new MemoryNetwork({ clock: this.clock, random: seededRandom(1), windowBytes: SLICE_BYTES_MAX })
    this.#server = this.#network.createTransport('server')
  }

  /** Opens a channel of `name` and asks for blocks by index. */
  async ask(name: string, indexes: readonly number[]): Promise<Channel> {
    let peer = this.#peers.get(name)
    if (peer === undefined) {
      await this.#server.handle(EXCHANGE_PROTOCOL, (channel) => serveExchange(channel, this.uplink).catch(() => {}))
      peer = this.#network.createTransport(name)
      this.#peers.set(name, peer)
      await dial(peer, this.#server)
    }
    const channel = await peer.open('server', EXCHANGE_PROTOCOL)
    await channel.send(encodeExchange({ type: 'want', id: 1, deadlineMs: DEADLINE_MS, cids: indexes.map((i) => this.#cids[i]!) }))
    await quiet(this.clock)
    return channel
  }

  /** The next whole block on `channel`. */
  async receiveBlock(channel: Channel): Promise<{ readonly id: number; readonly position: number; readonly frame: Uint8Array }> {
    const slices: Uint8Array[] = []
    for (;;) {
      const message = decodeExchange((await channel.receive()) ?? assert.fail('the channel has ended'))
      assert.ok(message.type === 'data', `it sent ${message.type}`)
      slices.push(message.slice)
      const frame = new Uint8Array(Buffer.concat(slices))
      if (frame.byteLength === message.total) return { id: message.id, position: message.position, frame }
    }
  }

  dropped(): readonly (readonly [peer: string, reason: string])[] {
    return this.#events.flatMap((event) => (event.type === 'slow-reader-dropped' ? [[event.peer, event.reason] as const] : []))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers.values()) await peer.stop()
    await this.#server.stop()
  }
}
