import { type Address, createDialer, createLibp2pTransport, type Dialer, loadOrCreatePeerKey, type Transport } from '@cairn/network'
import { Bitmap, type CID } from '@cairn/protocol'
import { type Clock, type Log, type Random, type Reporter, sleep, Tasks } from '@cairn/runtime'
import { fanOut, type StatusReport } from '@cairn/observability'
import { FsBlockReader } from '@cairn/storage'
import { dialReporter, Participant, PeerTally, type SwarmEvent } from '@cairn/swarm'
import { checkFreshness, expiries, fileOf, freshUntil, type Release, releases, type TrustState } from '@cairn/trust'
import { DeltaJobs } from './deltas/delta-jobs.ts'
import { WorkspaceDeltas } from './deltas/workspace-deltas.ts'
import type { OriginEvent } from './events.ts'
import { TIMESTAMP_RENEW_MS, WATCH_INTERVAL_MS } from './limits.ts'
import { WorkspaceSource } from './release-sources.ts'
import type { Workspace } from './workspace.ts'

export interface OriginInit {
  readonly workspace: Workspace
  readonly listen: readonly Address[]
  readonly announce?: readonly Address[]
  /** Peers to keep connected to; the others come by themselves. */
  readonly peers?: readonly Address[]
  readonly region?: string
  readonly mdns?: boolean
}

export interface OriginComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly reporter: Reporter<OriginEvent>
}

/** What an origin says of itself; the process adds its version and age. */
export type OriginStatus = Omit<StatusReport, 'version' | 'uptimeMs'> & {
  /** When the first of its signed files expires (ISO 8601). */
  readonly freshUntil: string
}

/**
 * Serves a workspace, and keeps its timestamp fresh. Publishing goes on beside it in other processes: it looks for a new
 * timestamp and then serves and announces what that vouches for.
 */
export class Origin implements AsyncDisposable {
  readonly #workspace: Workspace
  readonly #components: OriginComponents
  readonly #transport: Transport
  readonly #blocks: FsBlockReader
  readonly #source: WorkspaceSource
  readonly #deltas: WorkspaceDeltas
  readonly #jobs: DeltaJobs
  readonly #participant: Participant
  readonly #dialer: Dialer
  readonly #peers: PeerTally
  readonly #tasks: Tasks
  #state: TrustState
  #served = new Map<string, Release>()
  /** Why the metadata on disk cannot be served; what was served before stays. */
  #trouble: string | undefined

  private constructor(parts: {
    workspace: Workspace
    components: OriginComponents
    transport: Transport
    blocks: FsBlockReader
    source: WorkspaceSource
    deltas: WorkspaceDeltas
    jobs: DeltaJobs
    participant: Participant
    dialer: Dialer
    peers: PeerTally
    state: TrustState
  }) {
    this.#workspace = parts.workspace
    this.#components = parts.components
    this.#transport = parts.transport
    this.#blocks = parts.blocks
    this.#source = parts.source
    this.#deltas = parts.deltas
    this.#jobs = parts.jobs
    this.#participant = parts.participant
    this.#dialer = parts.dialer
    this.#peers = parts.peers
    this.#state = parts.state
    this.#tasks = new Tasks((error, name) => parts.components.log.error('task-failed', { task: name, reason: reasonOf(error) }))
  }

  /**
   * Starts serving; resolves when it listens and knows its releases.
   *
   * @throws {NetworkError} `LISTEN_FAILED`, `BAD_ADDRESS`
   * @throws {TrustError} when the workspace's metadata does not verify
   */
  static async start(init: OriginInit, components: OriginComponents): Promise<Origin> {
    const { workspace } = init
    const { clock, log, random, reporter } = components
    const state = await workspace.trustState()
    freshUntil(state) // verifies all of it; one that has expired can be signed again
    const identity = await loadOrCreatePeerKey(workspace.peerKeyPath)
    await using cleanup = new AsyncDisposableStack()
    const blocks = cleanup.use(new FsBlockReader(workspace.blocksPath, clock))
    const transport = await createLibp2pTransport({
      privateKey: identity.privateKey,
      listen: init.listen,
      ...(init.announce === undefined ? {} : { announce: init.announce }),
      mdns: init.mdns ?? false,
      clock,
      log,
    })
    cleanup.defer(() => transport.stop())
    const source = new WorkspaceSource(blocks, (path) => reporter.report({ type: 'source-changed', path }))
    const onDamaged = (path: string, reason: string): void => reporter.report({ type: 'deltas-damaged', path, reason })
    const deltas = cleanup.use(await WorkspaceDeltas.open({ workspace, source, clock, onDamaged }))
    let origin: Origin | undefined
    const jobs = cleanup.use(new DeltaJobs({ deltas, isServed: (cid) => origin?.serves(cid) ?? false, clock, reporter }))
    const peers = new PeerTally()
    const participant = await Participant.start(
      {
        network: workspace.network,
        ledgers: workspace.ledgers,
        ...(init.region === undefined ? {} : { region: init.region }),
        isLastResort: true,
        source,
        deltas: jobs,
        metadata: async (file) => origin?.metadata(file),
      },
      { transport, clock, random, log, reporter: fanOut<SwarmEvent>(peers, reporter) },
    )
    cleanup.use(participant)
    const dialer = createDialer({ transport, addresses: init.peers ?? [], clock, random, reporter: dialReporter(reporter) })
    cleanup.defer(() => dialer.stop())
    origin = new Origin({ workspace, components, transport, blocks, source, deltas, jobs, participant, dialer, peers, state })
    await origin.#load()
    origin.#tasks.spawn('watch workspace', (signal) => origin.#watch(signal))
    cleanup.move()
    return origin
  }

  get addresses(): readonly Address[] {
    return this.#transport.addresses()
  }

  /** Whether joining nodes can use this origin, and if not, why. */
  ready(): { readonly ready: boolean; readonly reason: string } {
    if (this.#trouble !== undefined) return { ready: false, reason: this.#trouble }
    const { file, expiresAt } = freshUntil(this.#state)
    if (expiresAt <= this.#components.clock.now())
      return { ready: false, reason: `${file} expired at ${new Date(expiresAt).toISOString()}` }
    if (this.#served.size === 0) return { ready: false, reason: 'nothing is published yet' }
    return { ready: true, reason: `serving ${this.#served.size} snapshots` }
  }

  status(): OriginStatus {
    return {
      role: 'origin',
      peer: this.#transport.self,
      addresses: this.addresses,
      ...this.ready(),
      freshUntil: new Date(freshUntil(this.#state).expiresAt).toISOString(),
      snapshots: [...this.#served.values()].map(({ ledger, height, manifest, totalBytes }) => ({
        ledger,
        height,
        manifest: manifest.toString(),
        stage: 'complete',
        bytes: totalBytes,
        bytesTotal: totalBytes,
      })),
      peers: this.#peers.peers,
    }
  }

  /** Whether `snapshot` is that of a release that is served. */
  serves(snapshot: CID): boolean {
    return this.#served.has(snapshot.toString())
  }

  /** Metadata as of the last load, so that all files of one refresh belong together; older roots come from the disk. */
  async metadata(file: string): Promise<Uint8Array | undefined> {
    const { timestamp, snapshot, targets, ledgers } = this.#state
    const held: Readonly<Record<string, Uint8Array | undefined>> = {
      [fileOf('timestamp')]: timestamp,
      [fileOf('snapshot')]: snapshot,
      [fileOf('targets')]: targets,
      ...Object.fromEntries(Object.entries(ledgers).map(([ledger, bytes]) => [fileOf(ledger), bytes])),
    }
    if (Object.hasOwn(held, file)) return held[file]
    return /^\d+\.root\.json$/.test(file) ? this.#workspace.metadataFile(file) : undefined
  }

  async stop(): Promise<void> {
    await this.#tasks.stop()
    await this.#dialer.stop()
    await this.#participant.stop()
    await this.#transport.stop()
    await this.#jobs[Symbol.asyncDispose]()
    await this.#deltas[Symbol.asyncDispose]()
    await this.#blocks.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, reporter } = this.#components
    for (;;) {
      await sleep(clock, WATCH_INTERVAL_MS, signal)
      try {
        await this.#renewIfDue()
        const timestamp = await this.#workspace.metadataFile(fileOf('timestamp'))
        if (timestamp !== undefined && Buffer.compare(timestamp, this.#state.timestamp ?? new Uint8Array()) === 0) continue
        const state = await this.#workspace.trustState()
        checkFreshness(state, clock.now())
        this.#state = state
        await this.#load()
        this.#trouble = undefined
        await Promise.all(this.#workspace.ledgers.map((ledger) => this.#participant.announceHeads(ledger, state.timestamp!)))
      } catch (error) {
        // Read between two of a publisher's writes, or damaged: the old set stays, and the next look may find it whole.
        const reason = reasonOf(error)
        if (reason !== this.#trouble) reporter.report({ type: 'metadata-unusable', reason })
        this.#trouble = reason
      }
    }
  }

  async #renewIfDue(): Promise<void> {
    const { clock, reporter } = this.#components
    // The other files are signed with keys that are kept offline: no renewal here would move their end.
    const own = expiries(this.#state).filter(({ file }) => file === fileOf('timestamp') || file === fileOf('snapshot'))
    if (!this.#workspace.canRenew || own.every(({ expiresAt }) => expiresAt - clock.now() > TIMESTAMP_RENEW_MS)) return
    if (await this.#workspace.renewTimestamp()) reporter.report({ type: 'timestamp-renewed' })
  }

  /** Takes up the releases of the present state and lets go of those that it no longer has. */
  async #load(): Promise<void> {
    const { reporter } = this.#components
    const current = new Map<string, Release>()
    for (const ledger of this.#workspace.ledgers) {
      for (const release of releases(this.#state, ledger)) current.set(release.manifest.toString(), release)
    }
    for (const [key, release] of current) {
      if (this.#served.has(key)) continue
      await this.#serve(release.manifest, release)
      reporter.report({ type: 'release-loaded', ledger: release.ledger, height: release.height, snapshot: key })
    }
    await this.#deltas.sets.rescan()
    for (const [key, release] of this.#served) if (!current.has(key)) this.#participant.release(release.manifest)
    this.#served = current
    reporter.report({ type: 'serving', snapshots: current.size, addresses: this.addresses })
  }

  async #serve(snapshot: CID, release: Release): Promise<void> {
    const directory = this.#workspace.referenceOf(snapshot.toString())
    if (directory !== undefined) await this.#source.addReference(snapshot, directory)
    this.#participant.hold(snapshot, release.ledger, Bitmap.full(release.chunks))
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
