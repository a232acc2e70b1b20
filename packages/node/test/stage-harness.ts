import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryNetwork } from '@cairn/network/testing'
import { Bitmap, encodeFrame, parseCid } from '@cairn/protocol'
import { seededRandom, silentLog } from '@cairn/runtime'
import { advanceToEnd, advanceUntil, ManualClock } from '@cairn/runtime/testing'
import { LocalPlacer, MemoryBlockStore } from '@cairn/storage'
import { type SampleEntry, type SampleSnapshot, sampleBytes, sampleSnapshot, writeSample } from '@cairn/storage/testing'
import { Participant } from '@cairn/swarm'
import { createSigner, newLedger, newRoot, newSnapshot, newTargets, newTimestamp, rootFileOf } from '@cairn/trust'
import { Node, type NodeEvent, type NodeInit } from '../src/index.ts'
import { listTree } from './trees.ts'

const SEED = process.env['SEED'] ?? '42'
/** Manual time that passes at once while something is waited for. */
const STEP_MS = 20
const KIB = 1024

/** What starts the ledger's software is small and in a directory that is read-only in the end; the bulk is many chunks of 16 KiB. */
export const STAGED_TREE: readonly SampleEntry[] = [
  { type: 'directory', path: 'bin', mode: 0o555, stage: 'bootstrap' },
  { type: 'symlink', path: 'bin/current', target: 'start', stage: 'bootstrap' },
  { type: 'file', path: 'bin/lock', mode: 0o600, content: Buffer.alloc(0), stage: 'bootstrap' },
  { type: 'file', path: 'bin/start', mode: 0o555, content: sampleBytes('start', 50 * KIB), stage: 'bootstrap' },
  { type: 'file', path: 'recent', mode: 0o644, content: sampleBytes('recent', 100 * KIB), stage: 'hot' },
  { type: 'file', path: 'bin/extra', mode: 0o755, content: sampleBytes('extra', 10 * KIB) },
  { type: 'file', path: 'history', mode: 0o440, content: sampleBytes('history', 4096 * KIB) },
]

export interface RunningNode {
  readonly node: Node
  readonly events: NodeEvent[]
}

/** One origin with one release, and nodes that join it, over a network of a given rate: one process, one manual clock, real directories. */
export class StageWorld implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly snapshot: SampleSnapshot
  readonly #network: MemoryNetwork
  readonly #random = seededRandom(SEED)
  readonly #path: string
  readonly #trustRoot: Uint8Array
  readonly #stops: (() => Promise<void>)[] = []

  private constructor(path: string, entries: readonly SampleEntry[], bytesPerSecond: number, files: Readonly<Record<string, Uint8Array>>) {
    this.#path = path
    this.snapshot = sampleSnapshot(entries)
    this.#network = new MemoryNetwork({ clock: this.clock, random: this.#random.fork('network'), latencyMs: 5, bytesPerSecond })
    this.#trustRoot = files[rootFileOf(1)]!
  }

  static async create(options: { readonly entries?: readonly SampleEntry[]; readonly bytesPerSecond?: number } = {}): Promise<StageWorld> {
    const { entries = STAGED_TREE, bytesPerSecond = Number.POSITIVE_INFINITY } = options
    const path = await mkdtemp(join(tmpdir(), 'cairn-stages-'))
    const files = metadataOf(sampleSnapshot(entries), new ManualClock().now())
    const world = new StageWorld(path, entries, bytesPerSecond, files)
    await writeSample(join(path, 'published'), entries)
    await world.#startOrigin(files)
    return world
  }

  /** A file or directory of the node's target. */
  target(...names: readonly string[]): string {
    return join(this.#path, 'target', ...names)
  }

  /** What was published, as {@link listTree} shows it. */
  published(): ReturnType<typeof listTree> {
    return listTree(join(this.#path, 'published'))
  }

  /** Starts a node on the target. One at a time. */
  async start(init: Partial<NodeInit> = {}): Promise<RunningNode> {
    const events: NodeEvent[] = []
    const name = `node-${this.#stops.length}`
    const node = await this.settle(
      Node.start(
        {
          selector: { ledger: 'sample' },
          trustRoot: this.#trustRoot,
          network: 'test',
          peers: ['/memory/origin/p2p/origin'],
          into: this.target(),
          listen: [],
          ...init,
        },
        {
          clock: this.clock,
          random: this.#random.fork(name),
          log: silentLog,
          reporter: { report: (event) => events.push(event) },
          placer: new LocalPlacer(),
          createTransport: async () => this.#network.createTransport(name),
        },
      ),
    )
    this.#stops.push(() => node.stop())
    return { node, events }
  }

  /** Moves time on until `done()`, leaving the disk time to answer. */
  until(done: () => boolean): Promise<void> {
    return advanceUntil(this.clock, STEP_MS, done)
  }

  settle<T>(work: Promise<T>): Promise<T> {
    return advanceToEnd(this.clock, STEP_MS, work)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops.toReversed()) await this.settle(stop())
    await rm(this.#path, { recursive: true })
  }

  async #startOrigin(files: Readonly<Record<string, Uint8Array>>): Promise<void> {
    const { index, pages, plain } = this.snapshot
    const blocks = new MemoryBlockStore()
    for (const [cid, bytes] of pages) await blocks.put(parseCid(cid), encodeFrame(bytes))
    for (let chunk = 0; chunk < index.chunksCount; chunk++) await blocks.put(index.chunkCid(chunk), encodeFrame(plain(chunk)))
    const transport = this.#network.createTransport('origin')
    const participant = await Participant.start(
      { network: 'test', ledgers: ['sample'], source: blocks, metadata: async (file) => files[file] },
      { clock: this.clock, random: this.#random.fork('origin'), log: silentLog, transport, reporter: { report() {} } },
    )
    participant.hold(index.cid, 'sample', Bitmap.full(index.chunksCount))
    this.#stops.push(async () => {
      await participant.stop()
      await transport.stop()
    })
  }
}

/** The events of one type, in order. */
export function only<Type extends NodeEvent['type']>(
  events: readonly NodeEvent[],
  type: Type,
): readonly Extract<NodeEvent, { readonly type: Type }>[] {
  return events.filter((event): event is Extract<NodeEvent, { readonly type: Type }> => event.type === type)
}

/** The publisher's files: one key signs everything. */
function metadataOf({ index, pages }: SampleSnapshot, now: number): Readonly<Record<string, Uint8Array>> {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, 1)])
  const key = createSigner(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
  const role = { keys: [key], threshold: 1 }
  const signing = { expiresAt: now + 365 * 86_400_000, signers: [key] }
  const { totals } = index.root
  const release = {
    ledger: 'sample',
    height: 1,
    manifest: index.cid,
    manifestBytes: pages.get(index.cid.toString())!.byteLength,
    channels: ['stable'],
    totalBytes: totals.bytes,
    chunks: totals.chunks,
  }
  const ledger = newLedger({ ledger: 'sample', releases: [release], ...signing })
  const targets = newTargets({ ledgers: { sample: role }, ...signing })
  const snapshot = newSnapshot({ targets, ledgers: { sample: ledger }, ...signing })
  return {
    [rootFileOf(1)]: newRoot({ roles: { root: role, targets: role, snapshot: role, timestamp: role }, ...signing }),
    'sample.json': ledger,
    'targets.json': targets,
    'snapshot.json': snapshot,
    'timestamp.json': newTimestamp({ snapshot, ...signing }),
  }
}
