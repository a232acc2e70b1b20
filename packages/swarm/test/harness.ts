import { type PeerId, type Transport } from '@cairn/network'
import { MemoryNetwork, type MemoryNetworkInit } from '@cairn/network/testing'
import {
  Bitmap,
  chunkCid,
  CHUNKING,
  encodeFrame,
  ManifestBuilder,
  ManifestLoader,
  sha256,
  type SnapshotIndex,
  type StageClass,
} from '@cairn/protocol'
import { type Random, seededRandom, silentLog } from '@cairn/runtime'
import { ManualClock } from '@cairn/runtime/testing'
import { type BlockSource, type BlockStore, MemoryBlockStore } from '@cairn/storage'
import { BlockStoreSink, type DeltaSource, Participant, type SwarmEvent } from '../src/index.ts'

export const NETWORK = 'test'
export const LEDGER = 'sample'

/** A snapshot and the store that holds all of it. */
export interface Sample {
  readonly index: SnapshotIndex
  readonly store: BlockStore
}

/** One bootstrap file of one chunk and one bulk file of `chunksCount - 1`, with contents drawn from `random`. */
export async function sampleSnapshot(random: Random, chunksCount: number): Promise<Sample> {
  const store = new MemoryBlockStore()
  const pages: { readonly cid: Parameters<BlockStore['put']>[0]; readonly bytes: Uint8Array }[] = []
  const chunking = CHUNKING.edge
  const builder = new ManifestBuilder(
    {
      identity: { network: NETWORK, ledger: LEDGER, height: 1 },
      chunking,
      compression: { codec: 'zstd', level: 3 },
      provenance: { tool: 'test', sourceHeight: 1 },
    },
    (cid, bytes) => pages.push({ cid, bytes }),
  )
  const addFile = async (stage: StageClass, path: string, count: number): Promise<void> => {
    builder.startFile(stage, { type: 'file', path, mode: 0o644, bytes: count * chunking.bytesMin })
    for (let i = 0; i < count; i++) {
      const plain = randomBytes(random, chunking.bytesMin)
      const digest = sha256(plain)
      builder.addChunk({ digest, bytes: plain.byteLength })
      await store.put(chunkCid(digest), encodeFrame(plain))
    }
  }
  await addFile('bootstrap', 'head', 1)
  await addFile('bulk', 'state', chunksCount - 1)
  const { cid, bytes, root } = builder.finish()
  for (const page of [...pages, { cid, bytes }]) await store.put(page.cid, encodeFrame(page.bytes))
  const loader = new ManifestLoader(root, cid)
  const byCid = new Map(pages.map((page) => [page.cid.toString(), page.bytes]))
  while (!loader.done) for (const wanted of loader.wanted()) loader.add(wanted, byCid.get(wanted.toString())!)
  return { index: loader.index(), store }
}

export interface Member {
  readonly name: PeerId
  readonly transport: Transport
  readonly participant: Participant
  readonly store: BlockStore
  readonly events: SwarmEvent[]
}

/** A small network of participants in one process, on one manual clock and one seed. */
export class TestSwarm {
  readonly clock = new ManualClock()
  readonly random: Random
  readonly network: MemoryNetwork
  readonly members = new Map<PeerId, Member>()

  constructor(seed: number | string, conditions: Partial<MemoryNetworkInit> = {}) {
    this.random = seededRandom(seed)
    this.network = new MemoryNetwork({ clock: this.clock, random: this.random.fork('network'), latencyMs: 5, ...conditions })
  }

  /** Adds a member that serves `source`; without one, what it downloads into its own store. */
  async add(name: PeerId, source?: BlockSource, isLastResort = false, deltas?: DeltaSource): Promise<Member> {
    const transport = this.network.createTransport(name)
    const store = new MemoryBlockStore()
    const events: SwarmEvent[] = []
    const participant = await Participant.start(
      {
        network: NETWORK,
        ledgers: [LEDGER],
        source: source ?? store,
        isLastResort,
        metadata: async () => undefined,
        ...(deltas === undefined ? {} : { deltas }),
      },
      {
        transport,
        clock: this.clock,
        random: this.random.fork(name),
        log: silentLog,
        reporter: { report: (event) => events.push(event) },
      },
    )
    const member = { name, transport, participant, store, events }
    this.members.set(name, member)
    return member
  }

  /** Adds a member that holds all of `sample`. */
  async addComplete(name: PeerId, sample: Sample, source: BlockSource = sample.store, isLastResort = false): Promise<Member> {
    const member = await this.add(name, source, isLastResort)
    member.participant.hold(sample.index.cid, LEDGER, Bitmap.full(sample.index.chunksCount))
    return member
  }

  /** Connects `from` to `to`. */
  async connect(from: PeerId, to: PeerId): Promise<void> {
    await this.settle(this.members.get(from)!.transport.dial(this.members.get(to)!.transport.addresses()[0]!))
  }

  /** Runs the clock until `work` has settled. */
  async settle<T>(work: Promise<T>, limitMs = 600_000): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    work.then(done, done)
    await this.clock.runUntil(() => settled, limitMs)
    return work
  }

  /** Loads the manifest from peers and downloads into the member's own store. */
  async join(
    member: Member,
    sample: Sample,
    options: { readonly patienceMs?: number; readonly onTrace?: (line: string) => void } = {},
  ): Promise<BlockStoreSink> {
    const index = await member.participant.manifest(sample.index.cid, member.store, options)
    const sink = new BlockStoreSink(index, member.store)
    await member.participant.download({ index, sink, ...options })
    return sink
  }

  async stop(): Promise<void> {
    for (const { participant, transport } of this.members.values()) {
      await this.settle(participant.stop())
      await this.settle(transport.stop())
    }
  }
}

export function randomBytes(random: Random, count: number): Uint8Array {
  const bytes = new Uint8Array(count)
  for (let i = 0; i < count; i++) bytes[i] = random.u32() & (i % 3 === 0 ? 0xff : 0x0f)
  return bytes
}
