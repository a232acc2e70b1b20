import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Address,
  createDialer,
  createLibp2pTransport,
  type Dialer,
  type Libp2pTransportInit,
  loadOrCreatePeerKey,
  type Transport,
} from '@cairn/network'
import { type SnapshotIndex, STAGES, type StageClass } from '@cairn/protocol'
import { fanOut, type StatusReport } from '@cairn/observability'
import { type Clock, type Log, type Random, type Reporter } from '@cairn/runtime'
import {
  inspectTarget,
  type JoinedTarget,
  openFsBlockStore,
  openPlaceStore,
  type PlaceStore,
  STATE_DIRECTORY,
  unpackInPool,
} from '@cairn/storage'
import { describeStall, dialReporter, Participant, PeerTally, type SwarmEvent, TrustKeeper } from '@cairn/swarm'
import type { Release, Selector } from '@cairn/trust'
import { chooseRelease } from './choose-release.ts'
import { NodeError } from './errors.ts'
import type { NodeEvent } from './events.ts'
import { NodeSource } from './node-source.ts'
import { StageCommitter } from './stage-committer.ts'
import { type JoinProgress, ProgressTracker } from './progress.ts'

export interface NodeInit {
  readonly selector: Selector
  /** The `root.json` that the operator was given. */
  readonly trustRoot: Uint8Array
  readonly network: string
  readonly peers: readonly Address[]
  /** Where the snapshot's files go. */
  readonly into: string
  readonly listen: readonly Address[]
  readonly region?: string
  readonly mdns?: boolean
  /** Hears the lines of a trace from which every decision of the download can be replayed. */
  readonly onTrace?: (line: string) => void
  /** Bounds every wait for a source. Absent: waits for ever, and says for what. */
  readonly patienceMs?: number
}

export interface NodeComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly reporter: Reporter<NodeEvent>
  /** Defaults to libp2p. */
  readonly createTransport?: (init: Libp2pTransportInit) => Promise<Transport>
}

/** What a node says of itself; the process adds its version and age. */
export type NodeStatus = Omit<StatusReport, 'version' | 'uptimeMs'> & { readonly progress: JoinProgress }

export interface JoinSummary {
  readonly release: Release
  readonly durationMs: number
  /** Frame bytes used, by source. */
  readonly bytesBySource: Readonly<Record<string, number>>
  readonly wastedBytes: number
  /** Chunks that an earlier run had placed. */
  readonly chunksResumed: number
  readonly chunksCount: number
}

/** A node that joins one ledger into one directory, serving what it has from its first chunk on. */
export class Node implements AsyncDisposable {
  readonly #init: NodeInit
  readonly #components: NodeComponents
  readonly #tracker: ProgressTracker
  readonly #peers: PeerTally
  readonly #reporter: Reporter<NodeEvent>
  readonly #transport: Transport
  readonly #participant: Participant
  readonly #keeper: TrustKeeper
  readonly #pages: Awaited<ReturnType<typeof openFsBlockStore>>
  readonly #source: NodeSource
  readonly #dialer: Dialer
  readonly #begun: JoinedTarget | undefined
  readonly #startedMs: number
  #release: Release | undefined
  #store: PlaceStore | undefined

  private constructor(init: NodeInit, components: NodeComponents, parts: NodeParts) {
    this.#init = init
    this.#components = components
    this.#tracker = parts.tracker
    this.#peers = parts.peers
    this.#reporter = parts.reporter
    this.#transport = parts.transport
    this.#participant = parts.participant
    this.#keeper = parts.keeper
    this.#pages = parts.pages
    this.#source = parts.source
    this.#dialer = parts.dialer
    this.#begun = parts.begun
    this.#startedMs = parts.startedMs
  }

  /**
   * Opens the target and dials the configured peers; {@link join} does the rest.
   *
   * @throws {StorageError} `FOREIGN_FILES`, `LOCKED`
   * @throws {TrustError} when `trustRoot` is not a root, or another one than this directory was begun with
   * @throws {NetworkError} `LISTEN_FAILED`, `BAD_ADDRESS`
   */
  static async start(init: NodeInit, components: NodeComponents): Promise<Node> {
    const { clock, random, log } = components
    const startedMs = clock.monotonicMs()
    const tracker = new ProgressTracker()
    const reporter = fanOut<NodeEvent>(tracker, components.reporter)
    const peers = new PeerTally()
    const begun = await inspectTarget(init.into)
    const statePath = join(init.into, STATE_DIRECTORY)
    await mkdir(statePath, { recursive: true })
    await using cleanup = new AsyncDisposableStack()
    const pages = cleanup.use(await openFsBlockStore({ path: join(statePath, 'blocks'), clock, log }))
    const keeper = await TrustKeeper.open({ path: join(statePath, 'trust'), root: init.trustRoot, clock })
    const identity = await loadOrCreatePeerKey(join(statePath, 'peer.key'))
    const transport = await (components.createTransport ?? createLibp2pTransport)({
      privateKey: identity.privateKey,
      listen: init.listen,
      mdns: init.mdns ?? false,
      clock,
      log,
    })
    cleanup.defer(() => transport.stop())
    const source = new NodeSource(pages)
    const participant = await Participant.start(
      {
        network: init.network,
        ledgers: [init.selector.ledger],
        ...(init.region === undefined ? {} : { region: init.region }),
        source,
        metadata: (file) => keeper.metadata(file),
      },
      { transport, clock, random, log, reporter: fanOut<SwarmEvent>(peers, reporter), unpack: unpackInPool },
    )
    cleanup.use(participant)
    const dialer = createDialer({ transport, addresses: init.peers, clock, random, reporter: dialReporter(reporter) })
    cleanup.move()
    return new Node(init, components, { tracker, peers, reporter, transport, participant, keeper, pages, source, dialer, begun, startedMs })
  }

  get addresses(): readonly Address[] {
    return this.#transport.addresses()
  }

  get progress(): JoinProgress {
    return this.#tracker.progress
  }

  /** Whether the bootstrap stage is in place, so that the node's own software can start. */
  ready(): { readonly ready: boolean; readonly reason: string } {
    const { phase, stage, bytes, bytesHeld } = this.#tracker.progress
    if (phase === 'complete') return { ready: true, reason: 'everything is in place' }
    if (stage !== undefined) return { ready: true, reason: `stage ${stage} is in place` }
    return { ready: false, reason: `${phase}: ${bytesHeld} of ${bytes} bytes are in place` }
  }

  status(): NodeStatus {
    return {
      role: 'node',
      peer: this.#transport.self,
      addresses: this.addresses,
      ...this.ready(),
      snapshots: this.#release === undefined ? [] : [this.#snapshotStatus(this.#release)],
      peers: this.#peers.peers,
      progress: this.#tracker.progress,
    }
  }

  /**
   * Joins: chooses the release, loads the manifest, fetches, places, and leaves the directory as it was published.
   *
   * @throws {TrustError} when no acceptable metadata vouches for the release
   * @throws {SwarmError} `NO_SOURCE`, `UNVERIFIABLE`
   * @throws {StorageError} `OTHER_SNAPSHOT`, `NO_SPACE`, `IO_FAILED`
   * @throws {NodeError} `MANIFEST_MISMATCH`
   */
  async join(signal: AbortSignal): Promise<JoinSummary> {
    const { clock } = this.#components
    const patience = this.#init.patienceMs === undefined ? {} : { patienceMs: this.#init.patienceMs }
    const release = await this.#choose(signal)
    this.#release = release
    this.#reporter.report({ type: 'waiting', reason: 'manifest' })
    const index = await this.#participant.manifest(release.manifest, this.#pages, { ...patience, signal })
    assertMatches(index, release, this.#init.network)
    const store = await openPlaceStore({ path: this.#init.into, index, clock, log: this.#components.log })
    this.#store = store
    this.#source.serveChunks(store)
    // Also when a file is gone, which the store has noticed by then: the others may be altered.
    if (this.#begun?.complete === true) await this.#recheck(store, signal)
    const chunksResumed = store.have.count
    if (chunksResumed > 0) this.#reportResumed(index, store)
    const { bytesBySource, wastedBytes } = await this.#fetch(index, store, { ...patience, signal })
    await store.finish()
    const durationMs = clock.monotonicMs() - this.#startedMs
    this.#reporter.report({ type: 'join-complete', snapshot: release.manifest.toString(), durationMs })
    return { release, durationMs, bytesBySource, wastedBytes, chunksResumed, chunksCount: index.chunksCount }
  }

  async stop(): Promise<void> {
    await this.#dialer.stop()
    await this.#participant.stop()
    await this.#transport.stop()
    await this.#store?.close()
    await this.#pages.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #choose(signal: AbortSignal): Promise<Release> {
    const release = await chooseRelease({
      selector: this.#init.selector,
      keeper: this.#keeper,
      participant: this.#participant,
      peersCount: () => this.#transport.peers().length,
      begun: this.#begun,
      patienceMs: this.#init.patienceMs,
      signal,
      clock: this.#components.clock,
      reporter: this.#reporter,
    })
    const { ledger, height, manifest, totalBytes } = release
    this.#reporter.report({ type: 'release-chosen', ledger, height, snapshot: manifest.toString(), bytes: totalBytes })
    return release
  }

  /** Downloads until every chunk is in place: a chunk that somebody damaged meanwhile is fetched again. */
  async #fetch(
    index: SnapshotIndex,
    store: PlaceStore,
    options: { readonly patienceMs?: number; readonly signal: AbortSignal },
  ): Promise<{ bytesBySource: Record<string, number>; wastedBytes: number }> {
    const bytesBySource: Record<string, number> = {}
    let wastedBytes = 0
    const stages = new StageCommitter(index, store, (stage) => {
      const sinceStartMs = this.#components.clock.monotonicMs() - this.#startedMs
      this.#reporter.report({ type: 'stage-committed', stage, sinceStartMs })
    })
    do {
      const sink = {
        have: store.have,
        deliver: async (chunk: number, frame: Uint8Array, plain: Uint8Array) => {
          await store.deliver(chunk, frame, plain)
          await stages.placed(chunk)
        },
      }
      await stages.begin()
      const trace = this.#init.onTrace === undefined ? {} : { onTrace: this.#init.onTrace }
      const summary = await this.#participant.download({ index, sink, ...options, ...trace })
      for (const [peer, bytes] of summary.bytesBySource) bytesBySource[peer] = (bytesBySource[peer] ?? 0) + bytes
      wastedBytes += summary.wastedBytes
    } while (!store.have.isFull())
    return { bytesBySource, wastedBytes }
  }

  /** Joining what was joined before is how a directory is checked and repaired. */
  async #recheck(store: PlaceStore, signal: AbortSignal): Promise<void> {
    this.#reporter.report({ type: 'waiting', reason: 'checking' })
    const { altered, missing, wrongMode, wrongLink } = await store.verifyAll({ signal })
    const damagedCount = altered.length + missing.length + wrongMode.length + wrongLink.length
    this.#reporter.report({ type: 'rechecked', damagedCount })
  }

  #snapshotStatus({ ledger, height, manifest }: Release): StatusReport['snapshots'][number] {
    const { phase, stage, bytes, bytesHeld, stalled } = this.#tracker.progress
    return {
      ledger,
      height,
      manifest: manifest.toString(),
      stage: phase === 'complete' ? phase : (nextStage(stage) ?? phase),
      bytes: bytesHeld,
      bytesTotal: bytes,
      ...(stalled === undefined ? {} : { stall: describeStall(stalled) }),
    }
  }

  #reportResumed(index: SnapshotIndex, store: PlaceStore): void {
    let bytesHeld = 0
    for (const chunk of store.have.indices()) bytesHeld += index.chunkBytes(chunk)
    this.#reporter.report({ type: 'resumed', chunksHeld: store.have.count, chunksCount: index.chunksCount, bytesHeld })
  }
}

/** The stage under way once `committed` is in place. */
function nextStage(committed: StageClass | undefined): StageClass | undefined {
  return STAGES[committed === undefined ? 0 : STAGES.indexOf(committed) + 1]
}

interface NodeParts {
  readonly tracker: ProgressTracker
  readonly peers: PeerTally
  readonly reporter: Reporter<NodeEvent>
  readonly transport: Transport
  readonly participant: Participant
  readonly keeper: TrustKeeper
  readonly pages: Awaited<ReturnType<typeof openFsBlockStore>>
  readonly source: NodeSource
  readonly dialer: Dialer
  readonly begun: JoinedTarget | undefined
  readonly startedMs: number
}

/** The signature covers the manifest's name; that the manifest is of the ledger and height it was signed for is checked here. */
function assertMatches({ root, cid }: SnapshotIndex, release: Release, network: string): void {
  const checks = [
    { what: 'network', found: root.network, wanted: network },
    { what: 'ledger', found: root.ledger, wanted: release.ledger },
    { what: 'height', found: String(root.height), wanted: String(release.height) },
  ]
  for (const { what, found, wanted } of checks) {
    if (found !== wanted) throw new NodeError({ code: 'MANIFEST_MISMATCH', snapshot: cid.toString(), what, found, wanted })
  }
}
