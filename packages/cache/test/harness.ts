import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transport } from '@cairn/network'
import { MemoryNetwork } from '@cairn/network/testing'
import { Bitmap, type SnapshotIndex } from '@cairn/protocol'
import { type Random, seededRandom, silentLog } from '@cairn/runtime'
import { advanceToEnd, advanceUntil, ManualClock } from '@cairn/runtime/testing'
import { type BlockStore, LocalPlacer, MemoryBlockStore } from '@cairn/storage'
import { BlockStoreSink, Participant, type ParticipantInit, type SwarmEvent } from '@cairn/swarm'
import { Cache, type CacheEvent, type CacheInit } from '../src/index.ts'
import { TestRepository } from './repository.ts'
import { makeSnapshot, NETWORK, releaseOf } from './snapshots.ts'

const SEED = process.env['SEED'] ?? '42'
/** Manual time that passes at once while something is waited for. */
const STEP_MS = 100

export interface Peer {
  readonly transport: Transport
  readonly participant: Participant
  readonly events: SwarmEvent[]
}

export interface RunningCache {
  readonly cache: Cache
  readonly transport: Transport
  readonly events: CacheEvent[]
}

/** A publisher with what it published, caches and nodes around it: one process, one manual clock, one seed, real directories. */
export class World implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly random: Random = seededRandom(SEED)
  readonly network: MemoryNetwork
  readonly repository = new TestRepository(() => this.clock.now())
  readonly published = new MemoryBlockStore()
  readonly path: string
  readonly #stops: (() => Promise<void>)[] = []

  private constructor(path: string, bytesPerSecond: number) {
    this.path = path
    this.network = new MemoryNetwork({ clock: this.clock, random: this.random.fork('network'), latencyMs: 5, bytesPerSecond })
  }

  static async create(bytesPerSecond = Number.POSITIVE_INFINITY): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'cairn-cache-')), bytesPerSecond)
  }

  snapshot(ledger: string, height: number, chunks: readonly number[]): Promise<SnapshotIndex> {
    return makeSnapshot(this.published, ledger, height, chunks)
  }

  /** Signs these snapshots as all that their ledger has, the last of them on `stable`. */
  publish(...snapshots: readonly SnapshotIndex[]): void {
    const releases = snapshots.map((index, i) => releaseOf(index, i === snapshots.length - 1 ? ['stable'] : []))
    this.repository.publish(snapshots[0]!.root.ledger, releases)
  }

  /** A peer that serves the repository and, if not told otherwise, every published block. */
  async origin(name: string, holds: readonly SnapshotIndex[], init: Partial<ParticipantInit> = {}): Promise<Peer> {
    const transport = this.network.createTransport(name)
    const events: SwarmEvent[] = []
    const participant = await Participant.start(
      { network: NETWORK, ledgers: ['alpha', 'beta'], source: this.published, metadata: this.repository.metadata, ...init },
      { ...this.#components(name), transport, reporter: { report: (event) => events.push(event) } },
    )
    for (const { cid, root, chunksCount } of holds) participant.hold(cid, root.ledger, Bitmap.full(chunksCount))
    this.#stops.push(async () => {
      await participant.stop()
      await transport.stop()
    })
    return { transport, participant, events }
  }

  /** Starts a cache in a directory of its own that is the same whenever `name` is; `store` outlives it. */
  async cache(name: string, store: BlockStore, init: Partial<CacheInit> = {}): Promise<RunningCache> {
    const events: CacheEvent[] = []
    let transport: Transport | undefined
    const cache = await this.settle(
      Cache.start(
        {
          trustRoot: this.repository.root,
          peers: [addressOf('origin')],
          storePath: join(this.path, name),
          network: NETWORK,
          listen: [],
          ...init,
        },
        {
          ...this.#components(name),
          reporter: { report: (event) => events.push(event) },
          placer: new LocalPlacer(),
          openStore: async () => store,
          createTransport: async () => (transport = this.network.createTransport(name)),
        },
      ),
    )
    this.#stops.push(() => cache.stop())
    return { cache, transport: transport!, events }
  }

  /**
   * A node fetches all of `index` from `from` alone, with all chunks of `held` at hand; they are checked on the way. Returns the frame bytes.
   */
  async join(name: string, from: string, index: SnapshotIndex, held?: SnapshotIndex): Promise<number> {
    const transport = this.network.createTransport(name)
    const store = new MemoryBlockStore()
    const participant = await Participant.start(
      { network: NETWORK, ledgers: [], source: store, metadata: async () => undefined },
      { ...this.#components(name), transport, reporter: { report() {} } },
    )
    try {
      await this.settle(transport.dial(addressOf(from)))
      const loaded = await this.settle(participant.manifest(index.cid, store, { patienceMs: 20_000 }))
      const chunks = Array.from({ length: held?.chunksCount ?? 0 }, (_, chunk) => held!.chunkCid(chunk))
      for (const cid of chunks) await store.put(cid, (await this.published.get(cid))!)
      const basis = held === undefined ? {} : { basis: [held.cid] }
      const sink = new BlockStoreSink(loaded, store)
      const { bytesBySource } = await this.settle(participant.download({ index: loaded, sink, patienceMs: 20_000, ...basis }))
      return bytesBySource.values().reduce((sum, bytes) => sum + bytes, 0)
    } finally {
      await this.settle(participant.stop())
      await this.settle(transport.stop())
    }
  }

  /** Moves time on until `done()`, leaving the disk time to answer. */
  until(done: () => boolean): Promise<void> {
    return advanceUntil(this.clock, STEP_MS, done)
  }

  settle<T>(work: Promise<T>): Promise<T> {
    return advanceToEnd(this.clock, STEP_MS, work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) await this.settle(stop())
    await rm(this.path, { recursive: true })
  }

  #components(name: string): { clock: ManualClock; random: Random; log: typeof silentLog } {
    return { clock: this.clock, random: this.random.fork(name), log: silentLog }
  }
}

export function addressOf(name: string): string {
  return `/memory/${name}/p2p/${name}`
}

export function count(events: readonly { readonly type: string }[], type: CacheEvent['type']): number {
  return events.filter((event) => event.type === type).length
}

export function completed({ cache }: RunningCache): readonly string[] {
  return cache.status().snapshots.flatMap(({ state, ledger, height }) => (state === 'complete' ? [`${ledger}@${height}`] : []))
}

export function evictions({ events }: RunningCache): readonly string[] {
  return events.flatMap((event) => (event.type === 'evicted' ? [`${event.ledger}@${event.height} ${event.reason}`] : []))
}
