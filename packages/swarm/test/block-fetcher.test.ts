import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Channel, PeerId, Transport } from '@cairn/network'
import { MemoryNetwork } from '@cairn/network/testing'
import {
  decodeExchange,
  encodeExchange,
  encodeFrame,
  EXCHANGE_PROTOCOL,
  type ExchangeMessage,
  PAGE_BYTES_MAX,
  pageCid,
  plainFrame,
  type ProtocolError,
} from '@cairn/protocol'
import { seededRandom, silentReporter, Tasks } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'
import { type BlockStore, MemoryBlockStore } from '@cairn/storage'
import { sampleBytes } from '@cairn/storage/testing'
import { BlockFetcher } from '../src/block-fetcher.ts'
import { serveExchange } from '../src/exchange/server.ts'
import { Uplink } from '../src/exchange/uplink.ts'
import { SwarmError } from '../src/index.ts'
import { PAGE_DEADLINE_MS, PAGE_OVERDUE_MS, PAGE_PEERS_MAX } from '../src/limits.ts'
import { PeerLink } from '../src/peer-link.ts'
import { dial } from './channel-pair.ts'

const page = sampleBytes('page', 3000)
const cid = pageCid(page)
const endless = new AbortController().signal

describe('BlockFetcher', () => {
  it('asks one peer after the other until one has the block', async () => {
    await using world = new World()
    const empty = await world.honest('empty')
    await world.honest('full', page)
    assert.deepEqual(await world.fetch(), Buffer.from(page))
    assert.deepEqual([empty.asked, world.faults], [1, []])
  })

  it('asks whoever had the last block first', async () => {
    await using world = new World()
    const next = sampleBytes('next', 100)
    const empty = await world.honest('empty')
    await world.honest('full', page, next)
    await world.fetch()
    const asked = empty.asked
    await world.settle(world.fetcher.fetch(pageCid(next), PAGE_BYTES_MAX, { signal: endless }))
    assert.equal(empty.asked, asked)
  })

  it('inflates what comes compressed', async () => {
    await using world = new World()
    const plain = Buffer.alloc(5000, 'page ')
    const { store } = await world.honest('full')
    await store.put(pageCid(plain), encodeFrame(plain))
    const fetched = world.settle(world.fetcher.fetch(pageCid(plain), PAGE_BYTES_MAX, { signal: endless }))
    assert.deepEqual(Buffer.from(await fetched), plain)
  })

  it('believes nothing that is not the block, says who sent it, and gets it elsewhere', async () => {
    await using world = new World()
    const { store } = await world.honest('liar')
    await store.put(cid, plainFrame(sampleBytes('another page', 3000)))
    await world.honest('full', page)
    assert.deepEqual(await world.fetch(), Buffer.from(page))
    assert.deepEqual(world.faults, ['liar: bad-chunk, may ban'])
  })

  it('does not ban its only peer for it', async () => {
    await using world = new World()
    const { store } = await world.honest('liar')
    await store.put(cid, plainFrame(sampleBytes('another page', 3000)))
    await assert.rejects(world.fetch(1000), isNoSource('no-source-has-it'))
    assert.ok(world.faults.length > 0)
    assert.deepEqual(new Set(world.faults), new Set(['liar: bad-chunk, may not ban']))
  })

  it('cuts a peer off that announces more than a page can be', async () => {
    await using world = new World()
    await world.hostile('endless', async (channel) => {
      const { id } = await nextWant(channel)
      await send(channel, { type: 'data', id, position: 0, offset: 0, total: PAGE_BYTES_MAX + 2, slice: new Uint8Array(100) })
    })
    await world.honest('full', page)
    assert.deepEqual(await world.fetch(), Buffer.from(page))
    assert.deepEqual(world.faults, ['endless: TOO_LARGE'])
  })

  it('asks the next peer too when one does not answer soon, and takes its request back', async () => {
    await using world = new World()
    const heard: ExchangeMessage[] = []
    await world.hostile('silent', async (channel) => {
      for (let bytes = await channel.receive(); bytes !== undefined; bytes = await channel.receive()) heard.push(decodeExchange(bytes))
    })
    await world.honest('full', page)
    assert.deepEqual(await world.fetch(), Buffer.from(page))
    assert.equal(world.clock.monotonicMs(), PAGE_OVERDUE_MS)
    await world.clock.advance(0)
    assert.deepEqual(
      heard.map(({ type }) => type),
      ['want', 'cancel'],
    )
  })

  it('asks few peers at once, and those that stay silent no longer than the deadline', async () => {
    await using world = new World()
    const silent = async (channel: Channel): Promise<void> => {
      while ((await channel.receive()) !== undefined);
    }
    for (let i = 0; i < PAGE_PEERS_MAX; i++) await world.hostile(`silent-${i}`, silent)
    const full = await world.honest('full', page)
    const fetched = world.fetch()
    await world.clock.advance(PAGE_DEADLINE_MS - 1)
    assert.equal(full.asked, 0)
    assert.deepEqual(await fetched, Buffer.from(page))
    assert.equal(world.clock.monotonicMs(), PAGE_DEADLINE_MS)
  })

  it('does not mind an answer that comes too late', async () => {
    await using world = new World()
    const { promise: isTooLate, resolve } = Promise.withResolvers<void>()
    const late = await world.hostile('late', async (channel) => {
      const { id } = await nextWant(channel)
      await isTooLate
      await send(channel, { type: 'data', id, position: 0, offset: 0, total: 4, slice: new Uint8Array([0, 1, 2, 3]) })
    })
    await world.honest('full', page)
    await world.fetch()
    resolve()
    await world.clock.advance(0)
    assert.deepEqual(world.faults, [])
    assert.deepEqual(late.transport.peers(), ['self'])
  })

  it('goes on when a peer hangs up, or does not speak the protocol', async () => {
    await using world = new World()
    await world.hostile('gone', async (channel) => {
      await nextWant(channel)
      channel.abort(new Error('out of memory'))
    })
    await world.connect('mute')
    await world.honest('full', page)
    assert.deepEqual(await world.fetch(), Buffer.from(page))
    assert.deepEqual(world.faults, [])
  })

  it('waits for a peer that comes later', async () => {
    await using world = new World()
    await world.honest('empty')
    const fetched = world.fetch()
    await world.clock.advance(60_000)
    await world.honest('full', page)
    assert.deepEqual(await fetched, Buffer.from(page))
  })

  it('says who is missing when its patience ends', async () => {
    await using world = new World()
    await assert.rejects(world.fetch(1000), isNoSource('no-source'))
    await world.honest('empty')
    await assert.rejects(world.fetch(1000), isNoSource('no-source-has-it'))
  })

  it('ends with the reason of its signal', async () => {
    await using world = new World()
    await world.honest('empty')
    const controller = new AbortController()
    const fetched = world.fetcher.fetch(cid, PAGE_BYTES_MAX, { signal: controller.signal })
    const reason = new Error('stopped')
    const ended = assert.rejects(fetched, (error) => error === reason)
    await world.clock.advance(50)
    controller.abort(reason)
    await ended
  })
})

/** A fetcher called `self`, and the peers that it is connected to. */
class World implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly fetcher: BlockFetcher
  /** What was held against whom. */
  readonly faults: string[] = []
  readonly #network = new MemoryNetwork({ clock: this.clock, random: seededRandom(1) })
  readonly #self = this.#network.createTransport('self')
  readonly #tasks = new Tasks((error) => assert.fail(String(error)))

  constructor() {
    const links = new Map<PeerId, PeerLink>()
    const link = (peer: PeerId): PeerLink => {
      const onMisbehaviour = (who: PeerId, { fault }: ProtocolError): number => this.faults.push(`${who}: ${fault.code}`)
      const known = links.get(peer) ?? new PeerLink(peer, { transport: this.#self, clock: this.clock, tasks: this.#tasks, onMisbehaviour })
      links.set(peer, known)
      return known
    }
    this.fetcher = new BlockFetcher({
      transport: this.#self,
      clock: this.clock,
      link,
      penalize: (peer, fault, { mayBan }) => this.faults.push(`${peer}: ${fault}, ${mayBan ? 'may' : 'may not'} ban`),
    })
  }

  async connect(name: PeerId): Promise<Transport> {
    const transport = this.#network.createTransport(name)
    await dial(this.#self, transport)
    return transport
  }

  /** Connects a peer that does to each channel what is given. */
  async hostile(name: PeerId, serve: (channel: Channel) => Promise<void>): Promise<{ readonly transport: Transport }> {
    const transport = await this.connect(name)
    await transport.handle(EXCHANGE_PROTOCOL, serve)
    return { transport }
  }

  /** Connects a peer that serves these pages; `asked` counts what was asked of it. */
  async honest(name: PeerId, ...pages: readonly Uint8Array[]): Promise<{ readonly store: BlockStore; readonly asked: number }> {
    const store = new MemoryBlockStore()
    for (const plain of pages) await store.put(pageCid(plain), plainFrame(plain))
    const peer = { store, asked: 0 }
    const source = {
      has: (asked: typeof cid) => {
        peer.asked += 1
        return store.has(asked)
      },
      get: (asked: typeof cid) => store.get(asked),
    }
    const uplink = new Uplink({ clock: this.clock, source, reporter: silentReporter })
    await this.hostile(name, (channel) => serveExchange(channel, uplink))
    return peer
  }

  async fetch(patienceMs?: number): Promise<Buffer> {
    const options = { signal: endless, ...(patienceMs === undefined ? {} : { patienceMs }) }
    return Buffer.from(await this.settle(this.fetcher.fetch(cid, PAGE_BYTES_MAX, options)))
  }

  /** Runs the clock until `work` has settled. */
  async settle<T>(work: Promise<T>): Promise<T> {
    let isSettled = false
    const done = (): void => {
      isSettled = true
    }
    work.then(done, done)
    await this.clock.runUntil(() => isSettled)
    return work
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#self.stop()
    await this.#tasks.stop()
  }
}

async function nextWant(channel: Channel): Promise<Extract<ExchangeMessage, { type: 'want' }>> {
  const bytes = await channel.receive()
  assert.ok(bytes !== undefined)
  const message = decodeExchange(bytes)
  assert(message.type === 'want')
  return message
}

function send(channel: Channel, message: ExchangeMessage): Promise<void> {
  return channel.send(encodeExchange(message))
}

function isNoSource(reason: string): (error: unknown) => boolean {
  return (error) => error instanceof SwarmError && error.fault.code === 'NO_SOURCE' && error.fault.reason === reason
}
