import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transport } from '@cairn/network'
import { MemoryNetwork } from '@cairn/network/testing'
import { Bitmap, encodeFrame, parseCid } from '@cairn/protocol'
import { type Random, seededRandom, silentLog } from '@cairn/runtime'
import { advanceToEnd, advanceUntil, ManualClock } from '@cairn/runtime/testing'
import { LocalPlacer, type Placer, MemoryBlockStore } from '@cairn/storage'
import { type SampleSnapshot, sampleSnapshot, writeSample } from '@cairn/storage/testing'
import { Participant, type ParticipantInit, type SwarmEvent } from '@cairn/swarm'
import { type FollowInit, FollowingNode, type JoinSummary, Node, type NodeEvent, type NodeInit } from '../src/index.ts'
import { releaseOf, TestRepository } from './repository.ts'
import { treeOf } from './trees.ts'

const SEED = process.env['SEED'] ?? '42'
/** Manual time that passes at once while something is waited for. */
const STEP_MS = 20

export const NETWORK = 'test'
export const LEDGER = 'sample'

/** A snapshot, its files on disk, and its blocks in the world's store. */
export interface Published extends SampleSnapshot {
  readonly path: string
  readonly manifestBytes: number
}

export interface RunningFollower {
  readonly node: FollowingNode
  readonly transport: Transport
  readonly events: NodeEvent[]
  /** Ends it, as SIGTERM would. */
  stop(): Promise<void>
}

export interface Origin {
  readonly transport: Transport
  readonly events: SwarmEvent[]
}

export interface RunningNode {
  readonly node: Node
  readonly transport: Transport
  readonly events: NodeEvent[]
}

/** A publisher with what it published, and nodes around it: one process, one manual clock, one seed, real directories. */
export class World implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly network: MemoryNetwork
  readonly repository = new TestRepository(LEDGER, () => this.clock.now())
  readonly published = new MemoryBlockStore()
  readonly #random: Random = seededRandom(SEED)
  readonly #path: string
  readonly #stops: (() => Promise<void>)[] = []
  readonly #participants: Participant[] = []

  private constructor(path: string, bytesPerSecond: number) {
    this.#path = path
    this.network = new MemoryNetwork({ clock: this.clock, random: this.#random.fork('network'), latencyMs: 5, bytesPerSecond })
  }

  static async create(bytesPerSecond = Number.POSITIVE_INFINITY): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'cairn-node-')), bytesPerSecond)
  }

  /** Where a node joins, the same whenever `name` is. */
  target(name = 'node'): string {
    return join(this.#path, 'targets', name)
  }

  /** Makes the ledger's snapshot at `height`; {@link publish} signs it. */
  async snapshot(height: number): Promise<Published> {
    const tree = treeOf(height)
    const path = join(this.#path, 'published', String(height))
    await writeSample(path, tree)
    const sample = sampleSnapshot(tree, height)
    const { index, pages, plain } = sample
    for (const [cid, bytes] of pages) await this.published.put(parseCid(cid), encodeFrame(bytes))
    for (let chunk = 0; chunk < index.chunksCount; chunk++) await this.published.put(index.chunkCid(chunk), encodeFrame(plain(chunk)))
    return { ...sample, path, manifestBytes: pages.get(index.cid.toString())!.byteLength }
  }

  /** Signs these snapshots as all that the ledger has, the last of them on `stable`. */
  publish(...snapshots: readonly Published[]): void {
    this.repository.publish(
      snapshots.map(({ index, manifestBytes }, i) => releaseOf(index, manifestBytes, i === snapshots.length - 1 ? ['stable'] : [])),
    )
  }

  /** A peer that serves the repository, if not told otherwise, and every block of what it `holds`. */
  async origin(name: string, holds: readonly Published[], init: Partial<ParticipantInit> = {}): Promise<Origin> {
    const transport = this.network.createTransport(name)
    const events: SwarmEvent[] = []
    const participant = await Participant.start(
      { network: NETWORK, ledgers: [LEDGER], source: this.published, metadata: this.repository.metadata, ...init },
      { ...this.#components(name), transport, reporter: { report: (event) => events.push(event) } },
    )
    this.#participants.push(participant)
    for (const { index } of holds) participant.hold(index.cid, LEDGER, Bitmap.full(index.chunksCount))
    this.#stops.push(async () => {
      await participant.stop()
      await transport.stop()
    })
    return { transport, events }
  }

  /** Starts a node that knows the peer `origin` and joins {@link target} of its name, if not told otherwise. */
  async start(
    name = 'node',
    init: Partial<NodeInit> = {},
    { placer = new LocalPlacer() }: { readonly placer?: Placer } = {},
  ): Promise<RunningNode> {
    const events: NodeEvent[] = []
    const transport = this.network.createTransport(name)
    const node = await this.settle(
      Node.start(
        {
          selector: { ledger: LEDGER },
          trustRoot: this.repository.root,
          network: NETWORK,
          peers: [addressOf('origin')],
          into: this.target(name),
          listen: [],
          ...init,
        },
        {
          ...this.#components(name),
          reporter: { report: (event) => events.push(event) },
          placer,
          createTransport: async () => transport,
        },
      ),
    )
    this.#stops.push(() => node.stop())
    return { node, transport, events }
  }

  /** Starts a node that follows the ledger into {@link target} of its name, and hears of what `origin` announces. */
  async follow(name = 'node', init: Partial<FollowInit> = {}): Promise<RunningFollower> {
    const events: NodeEvent[] = []
    const transport = this.network.createTransport(name)
    const node = await this.settle(
      FollowingNode.start(
        {
          selector: { ledger: LEDGER },
          trustRoot: this.repository.root,
          network: NETWORK,
          peers: [addressOf('origin')],
          into: this.target(name),
          listen: [],
          keep: 2,
          ...init,
        },
        {
          ...this.#components(name),
          reporter: { report: (event) => events.push(event) },
          placer: new LocalPlacer(),
          createTransport: async () => transport,
        },
      ),
    )
    const controller = new AbortController()
    const following = node.follow(controller.signal).then(
      () => undefined,
      (error: unknown) => error,
    )
    let isStopped = false
    const stop = async (): Promise<void> => {
      if (isStopped) return
      isStopped = true
      controller.abort(new Error('stopped'))
      await following
      await node.stop()
    }
    this.#stops.push(stop)
    return { node, transport, events, stop: () => this.settle(stop()) }
  }

  /** {@link publish}, and tells those who follow. */
  async release(...snapshots: readonly Published[]): Promise<void> {
    this.publish(...snapshots)
    const timestamp = await this.repository.metadata('timestamp.json')
    for (const participant of this.#participants) await participant.announceHeads(LEDGER, timestamp!)
  }

  /** Starts a node, joins and stops it. */
  async join(
    name = 'node',
    init: Partial<NodeInit> = {},
  ): Promise<{ readonly summary: JoinSummary; readonly events: readonly NodeEvent[] }> {
    const { node, events } = await this.start(name, init)
    try {
      return { summary: await this.settle(node.join(endless)), events }
    } finally {
      await this.settle(node.stop())
    }
  }

  /** Joins until `chunksCount` chunks have come, then is told to stop; gives how many had come by then. */
  async joinInterrupted(chunksCount: number, init: Partial<NodeInit> = {}): Promise<number> {
    const { node, events } = await this.start('node', init)
    const controller = new AbortController()
    const reason = new Error('interrupted')
    const joining = node.join(controller.signal).then(
      () => new Error('it was not interrupted in time'),
      (error: unknown) => error,
    )
    await this.until(() => count(events, 'chunk-received') >= chunksCount)
    controller.abort(reason)
    const ended = await this.settle(joining)
    if (ended !== reason) throw ended
    await this.settle(node.stop())
    return count(events, 'chunk-received')
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
    await rm(this.#path, { recursive: true })
  }

  #components(name: string): { clock: ManualClock; random: Random; log: typeof silentLog } {
    return { clock: this.clock, random: this.#random.fork(name), log: silentLog }
  }
}

export const endless = new AbortController().signal

export function addressOf(name: string): string {
  return `/memory/${name}/p2p/${name}`
}

export function count(events: readonly NodeEvent[], type: NodeEvent['type']): number {
  return events.filter((event) => event.type === type).length
}

/** The events of these types, in the order in which they were reported. */
export function only<Type extends NodeEvent['type']>(
  events: readonly NodeEvent[],
  ...types: readonly Type[]
): readonly Extract<NodeEvent, { type: Type }>[] {
  return events.filter((event): event is Extract<NodeEvent, { type: Type }> => types.some((type) => type === event.type))
}
