import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  Bitmap,
  chunkCid,
  CHUNKING,
  type CID,
  cidDigest,
  CONTROL_PROTOCOL,
  type DeltaBase,
  decodeFrame,
  CHUNK_BYTES_MAX,
  encodeDelta,
  encodeFrame,
  FRAME_BYTES_MAX,
  ManifestBuilder,
  ManifestLoader,
  sha256,
  type SnapshotIndex,
} from '@cairn/protocol'
import { MemoryBlockStore, StorageError } from '@cairn/storage'
import { BlockStoreSink, type DeltaOffer, type DeltaSource, type SwarmEvent } from '../src/index.ts'
import { CONTROL_DEADLINE_MS, DELTAS_ANSWER_MS } from '../src/limits.ts'
import { LEDGER, type Member, NETWORK, randomBytes, TestSwarm } from './harness.ts'

const CHUNKS = 40

/** Two snapshots, chunk for chunk near to each other, and an origin that knows it. */
interface Pair {
  readonly old: SnapshotIndex
  readonly next: SnapshotIndex
  readonly store: MemoryBlockStore
  readonly deltas: Deltas
}

/** Deltas of every chunk of `next` to the same chunk of `old`; counts those that it gives out. */
class Deltas implements DeltaSource {
  readonly frames = new Map<string, Uint8Array>()
  givenCount = 0
  /** Those of the first chunks are made. */
  madeCount = CHUNKS
  state: DeltaOffer['state'] = 'ready'
  readonly #from: CID

  constructor(from: CID) {
    this.#from = from
  }

  async delta(cid: CID, basis: readonly CID[]): Promise<Uint8Array | undefined> {
    const frame = basis.some((snapshot) => snapshot.equals(this.#from)) ? this.frames.get(cid.toString()) : undefined
    if (frame === undefined || [...this.frames.keys()].indexOf(cid.toString()) >= this.madeCount) return undefined
    this.givenCount += 1
    return frame.slice()
  }

  async offer(_: CID, from: CID): Promise<DeltaOffer> {
    if (!from.equals(this.#from)) return { state: 'none' }
    if (this.state === 'none') return { state: this.state }
    const made = [...this.frames.values()].slice(0, this.madeCount)
    return { state: this.state, sizes: new Map(made.map(({ byteLength }, chunk) => [chunk, byteLength])) }
  }
}

describe('deltas between participants', () => {
  it('come in the place of chunks to whoever says what it has', async () => {
    await using world = await World.start(1)
    const { origin, pair } = world
    const node = await world.holder('node')
    const summary = await world.update(node, pair.next, [pair.old.cid])
    const frameBytes = [...pair.deltas.frames.values()].reduce((sum, { byteLength }) => sum + byteLength, 0)
    assert.equal(pair.deltas.givenCount, CHUNKS)
    assert.equal(summary.bytesBySource.get(origin.name), frameBytes)
    assert(frameBytes < (CHUNKS * CHUNKING.edge.bytesMin) / 20, `${frameBytes} bytes`)
    assert.equal(summary.wastedBytes, 0)
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const frame = await node.store.get(pair.next.chunkCid(chunk))
      assert.deepEqual(sha256(decodeFrame(frame!, CHUNK_BYTES_MAX)), pair.next.chunkDigest(chunk).slice())
    }
  })

  it('go to nobody who has said nothing', async () => {
    await using world = await World.start(2)
    const { pair } = world
    const node = await world.holder('node')
    await world.update(node, pair.next, [])
    assert.equal(pair.deltas.givenCount, 0)
  })

  it('are passed on by nodes that just had them', async () => {
    await using world = await World.start(3)
    const { pair } = world
    const [first, second] = [await world.holder('first'), await world.holder('second', false)]
    // The second listens, which is why the first keeps what it gets; then it has nobody else to ask.
    await world.swarm.connect('second', 'first')
    const held = new BlockStoreSink(pair.next, second.store)
    const result = second.participant.download({ index: pair.next, sink: held, basis: [pair.old.cid] })
    await world.swarm.clock.advance(1000)
    await world.update(first, pair.next, [pair.old.cid])
    const summary = await world.swarm.settle(result)
    assert.equal(pair.deltas.givenCount, CHUNKS)
    assert(summary.bytesBySource.get('first')! < (CHUNKS * CHUNKING.edge.bytesMin) / 20)
  })

  it('are asked for again, whole and without blame, where a base is missing', async () => {
    await using world = await World.start(4)
    const { pair } = world
    const node = await world.holder('node')
    await node.store.delete(pair.old.chunkCid(2))
    const summary = await world.update(node, pair.next, [pair.old.cid])
    assert.equal(summary.wastedBytes, pair.deltas.frames.get(pair.next.chunkCid(2).toString())!.byteLength)
    assert.deepEqual(faults(node), [])
    assert.equal(events(node, 'chunk-wasted').length, 1)
  })

  it('that do not make the chunk are blamed like any bad chunk', async () => {
    await using world = await World.start(5)
    const { pair } = world
    const [good, bad] = [pair.deltas.frames.get(pair.next.chunkCid(0).toString())!, pair.next.chunkCid(1).toString()]
    pair.deltas.frames.set(bad, good)
    const node = await world.holder('node')
    const other = await world.swarm.addComplete('other', { index: pair.next, store: pair.store })
    await world.swarm.connect('node', other.name)
    await world.update(node, pair.next, [pair.old.cid])
    assert.deepEqual(faults(node), ['origin: bad-chunk'])
  })

  it('that nobody asked for are blamed too', async () => {
    await using world = await World.start(6)
    const { pair } = world
    // A server of ours sends none without a basis: this one has them in the place of its frames.
    const liar = new MemoryBlockStore()
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const cid = pair.next.chunkCid(chunk)
      await liar.put(cid, pair.deltas.frames.get(cid.toString())!)
    }
    const node = await world.holder('node', false)
    await world.swarm.addComplete('liar', { index: pair.next, store: liar })
    await world.swarm.connect('node', 'liar')
    await assert.rejects(world.update(node, pair.next, []), { name: 'SwarmError' })
    assert.deepEqual(new Set(faults(node)), new Set(['liar: bad-chunk']))
    assert.equal(node.store.has(pair.next.chunkCid(0)), false)
  })

  it('are offered with their sizes, at once or when they are made', async () => {
    await using world = await World.start(7)
    const { pair } = world
    const node = await world.holder('node')
    const ask = (from: CID, waitMs: number): Promise<DeltaOffer> => world.swarm.settle(node.participant.deltas(pair.next, from, { waitMs }))
    const ready = await ask(pair.old.cid, 0)
    assert(ready.state === 'ready')
    assert.equal(ready.sizes?.get(0), pair.deltas.frames.get(pair.next.chunkCid(0).toString())!.byteLength)
    assert.deepEqual(await ask(pair.next.cid, 0), { state: 'none' })
    pair.deltas.state = 'preparing'
    assert.equal((await ask(pair.old.cid, 1000)).state, 'preparing')
    const later = ask(pair.old.cid, 60_000)
    world.swarm.clock.setTimer(5000, () => (pair.deltas.state = 'ready'))
    assert.equal((await later).state, 'ready')
  })

  it('come from who has them, though others have the chunks and answer too', async () => {
    await using world = await World.start(9)
    const { origin, pair } = world
    const node = await world.holder('node')
    const whole = await world.swarm.addComplete('whole', { index: pair.next, store: pair.store })
    await world.swarm.connect('node', whole.name)
    const summary = await world.update(node, pair.next, [pair.old.cid])
    assert.equal(pair.deltas.givenCount, CHUNKS)
    assert.deepEqual([...summary.bytesBySource.keys()], [origin.name])
  })

  it('are fetched as they are made, and what has none when all are', async () => {
    await using world = await World.start(11)
    const { pair, swarm } = world
    const { deltas } = pair
    Object.assign(deltas, { state: 'preparing', madeCount: 20 })
    const node = await world.holder('node')
    const sink = new BlockStoreSink(pair.next, node.store)
    const result = node.participant.download({ index: pair.next, sink, basis: [pair.old.cid], deltasWaitMs: 60_000 })
    await swarm.clock.advance(3000)
    // What was asked for before it was known that there is something to wait for came whole.
    const arrived = events(node, 'chunk-received')
    const wholeCount = arrived.length - deltas.givenCount
    assert.ok(arrived.length < CHUNKS && deltas.givenCount > 5 && wholeCount <= 16, `${arrived.length}, ${deltas.givenCount}`)
    deltas.madeCount = CHUNKS - 1
    await swarm.clock.advance(1000)
    assert.ok(deltas.givenCount + wholeCount >= CHUNKS - 1)
    assert.equal(events(node, 'download-stalled').length, 0)
    deltas.state = 'ready'
    await swarm.settle(result)
  })

  it('that take too long to make are not waited for', async () => {
    await using world = await World.start(12)
    const { pair } = world
    Object.assign(pair.deltas, { state: 'preparing', madeCount: 0 })
    const node = await world.holder('node')
    const sink = new BlockStoreSink(pair.next, node.store)
    await world.swarm.settle(node.participant.download({ index: pair.next, sink, basis: [pair.old.cid], deltasWaitMs: 1000 }))
    assert.equal(pair.deltas.givenCount, 0)
  })

  it('are not asked for where a chunk comes from elsewhere, until that fails', async () => {
    await using world = await World.start(10)
    const { pair } = world
    const node = await world.holder('node')
    const expected = new Bitmap(CHUNKS)
    for (const chunk of [3, 4, 5]) expected.set(chunk)
    const sink = new BlockStoreSink(pair.next, node.store)
    const { session, result } = node.participant.startDownload({ index: pair.next, sink, expected, basis: [pair.old.cid] })
    await world.swarm.clock.advance(20)
    session.lost([4])
    await world.swarm.settle(result)
    assert.equal(pair.deltas.givenCount, CHUNKS - 2)
    assert.deepEqual(
      [3, 4, 5].map((chunk) => node.store.has(pair.next.chunkCid(chunk))),
      [false, true, false],
    )
  })

  it('are not waited for from a peer that says nothing, once another one has them', async () => {
    await using world = await World.start(9)
    const { pair, swarm } = world
    const mute = swarm.network.createTransport('mute')
    await mute.handle(CONTROL_PROTOCOL, () => new Promise(() => {}))
    const node = await world.holder('node')
    await swarm.settle(node.transport.dial(mute.addresses()[0]!))
    const askedMs = swarm.clock.monotonicMs()
    const offer = await swarm.settle(node.participant.deltas(pair.next, pair.old.cid, { waitMs: 0 }))
    assert.equal(offer.state, 'ready')
    const tookMs = swarm.clock.monotonicMs() - askedMs
    assert(tookMs < CONTROL_DEADLINE_MS, `${tookMs} ms of the clock`)
    await mute.stop()
  })

  it('are planned for without a peer that says nothing, whatever the others say', async () => {
    await using world = await World.start(13)
    const { pair, swarm } = world
    const mute = swarm.network.createTransport('mute')
    let askedCount = 0
    await mute.handle(CONTROL_PROTOCOL, async (channel) => {
      while ((await channel.receive()) !== undefined) askedCount += 1
    })
    const node = await world.holder('node')
    await swarm.settle(node.transport.dial(mute.addresses()[0]!))
    const ask = async (from: CID, waitMs: number): Promise<readonly [state: string, tookMs: number]> => {
      const askedMs = swarm.clock.monotonicMs()
      const { state } = await swarm.settle(node.participant.deltas(pair.next, from, { waitMs }))
      return [state, swarm.clock.monotonicMs() - askedMs]
    }
    pair.deltas.state = 'preparing'
    const [state, tookMs] = await ask(pair.old.cid, 0)
    assert.equal(state, 'preparing')
    assert(tookMs < 2 * DELTAS_ANSWER_MS, `${tookMs} ms of the clock`)
    assert.equal((await ask(pair.next.cid, 0))[0], 'none')
    // Asked again and again while deltas are made, of which only the first time includes who says nothing.
    swarm.clock.setTimer(3 * DELTAS_ANSWER_MS, () => (pair.deltas.state = 'ready'))
    const askedBefore = askedCount
    assert.equal((await ask(pair.old.cid, 60_000))[0], 'ready')
    assert.equal(askedCount - askedBefore, 1)
    await mute.stop()
  })

  it('give way to chunks where they cannot be read, or are longer than any frame', async () => {
    await using world = await World.start(10)
    const { pair, origin } = world
    pair.deltas.delta = async (cid) => {
      if (cid.equals(pair.next.chunkCid(0))) throw new StorageError({ code: 'IO_FAILED', path: 'deltas', reason: 'it is worn out' })
      return new Uint8Array(FRAME_BYTES_MAX + 1)
    }
    const node = await world.holder('node')
    const summary = await world.update(node, pair.next, [pair.old.cid])
    assert.equal(summary.wastedBytes, 0)
    assert.deepEqual(faults(node), [])
    assert.deepEqual(
      events(origin, 'block-unavailable').map(({ cid }) => cid),
      [pair.next.chunkCid(0).toString()],
    )
  })

  it('do not hide a sink that fails for another reason', async () => {
    await using world = await World.start(8)
    const { pair } = world
    const node = await world.holder('node')
    const sink = new BlockStoreSink(pair.next, node.store)
    sink.deliver = async () => {
      throw new StorageError({ code: 'NO_SPACE', path: 'somewhere' })
    }
    const failed = node.participant.download({ index: pair.next, sink, basis: [pair.old.cid] })
    await assert.rejects(world.swarm.settle(failed), { name: 'StorageError' })
  })
})

class World implements AsyncDisposable {
  readonly swarm: TestSwarm
  readonly pair: Pair
  readonly origin: Member

  private constructor(swarm: TestSwarm, pair: Pair, origin: Member) {
    this.swarm = swarm
    this.pair = pair
    this.origin = origin
  }

  static async start(seed: number): Promise<World> {
    const swarm = new TestSwarm(seed)
    const pair = await nearPair(swarm)
    const origin = await swarm.add('origin', pair.store, false, pair.deltas)
    for (const { cid, chunksCount } of [pair.old, pair.next]) origin.participant.hold(cid, LEDGER, Bitmap.full(chunksCount))
    return new World(swarm, pair, origin)
  }

  /** A member that has all of the old snapshot. */
  async holder(name: string, knowsOrigin = true): Promise<Member> {
    const member = await this.swarm.add(name)
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      const cid = this.pair.old.chunkCid(chunk)
      await member.store.put(cid, (await this.pair.store.get(cid))!)
    }
    if (knowsOrigin) await this.swarm.connect(name, 'origin')
    return member
  }

  update(member: Member, index: SnapshotIndex, basis: readonly CID[]): ReturnType<Member['participant']['download']> {
    return this.swarm.settle(member.participant.download({ index, sink: new BlockStoreSink(index, member.store), basis }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.swarm.stop()
  }
}

async function nearPair(swarm: TestSwarm): Promise<Pair> {
  const store = new MemoryBlockStore()
  const before = Array.from({ length: CHUNKS }, () => randomBytes(swarm.random, CHUNKING.edge.bytesMin))
  const after = before.map((plain, i) => plain.with(1000 + i, plain[1000 + i]! ^ 1))
  const [old, next] = [await snapshot(1, before, store), await snapshot(2, after, store)]
  const deltas = new Deltas(old.cid)
  for (const [chunk, plain] of after.entries()) {
    const base: DeltaBase = { digest: cidDigest(old.chunkCid(chunk)), plain: before[chunk]! }
    deltas.frames.set(next.chunkCid(chunk).toString(), encodeDelta(plain, [base], [{ base: 0, offset: 0, bytes: base.plain.byteLength }]))
  }
  return { old, next, store, deltas }
}

async function snapshot(height: number, chunks: readonly Uint8Array[], store: MemoryBlockStore): Promise<SnapshotIndex> {
  const pages = new Map<string, Uint8Array>()
  const builder = new ManifestBuilder(
    {
      identity: { network: NETWORK, ledger: LEDGER, height },
      chunking: CHUNKING.edge,
      compression: { codec: 'zstd', level: 3 },
      provenance: { tool: 'test', sourceHeight: height },
    },
    (cid, bytes) => pages.set(cid.toString(), bytes),
  )
  const bytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
  builder.startFile('bulk', { type: 'file', path: 'state', mode: 0o644, bytes })
  for (const plain of chunks) {
    const digest = sha256(plain)
    builder.addChunk({ digest, bytes: plain.byteLength })
    await store.put(chunkCid(digest), encodeFrame(plain))
  }
  const { cid, root } = builder.finish()
  const loader = new ManifestLoader(root, cid)
  while (!loader.done) for (const wanted of loader.wanted()) loader.add(wanted, pages.get(wanted.toString())!)
  return loader.index()
}

function events<Type extends SwarmEvent['type']>(member: Member, type: Type): Extract<SwarmEvent, { type: Type }>[] {
  return member.events.filter((event): event is Extract<SwarmEvent, { type: Type }> => event.type === type)
}

function faults(member: Member): string[] {
  return events(member, 'peer-penalized').map(({ peer, fault }) => `${peer}: ${fault}`)
}
