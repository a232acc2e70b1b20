import assert from 'node:assert/strict'
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
  forgetAside,
  inspectTarget,
  type JoinedTarget,
  openFsBlockStore,
  type Placer,
  PlacingThread,
  type ReuseDirectory,
  setAside,
  STATE_DIRECTORY,
  switchTree,
} from '@cairn/storage'
import { describeSlowdown, dialReporter, Participant, PeerTally, type SwarmEvent, TrustKeeper } from '@cairn/swarm'
import type { Release, Selector } from '@cairn/trust'
import { chooseRelease } from './choose-release.ts'
import { NodeError } from './errors.ts'
import type { NodeEvent } from './events.ts'
import { NodeSource } from './node-source.ts'
import { type JoinProgress, ProgressTracker, stallOf } from './progress.ts'
import { seedDirectories } from './seed-directories.ts'
import { type JoinSummary, SnapshotJoin, type SnapshotJoinInit } from './snapshot-join.ts'
import { untilAborted } from './until-aborted.ts'
import { forgetLeftovers, inspectBegun, resumeSwitch, updateTarget } from './update-target.ts'

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
  /** Directories that may hold chunks of the release. */
  readonly seeds?: readonly string[]
  /** Frame bytes per second to fetch at most. Absent: what the sources give. */
  readonly bytesPerSecondMax?: number
}

export interface NodeComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly reporter: Reporter<NodeEvent>
  /** Defaults to libp2p. */
  readonly createTransport?: (init: Libp2pTransportInit) => Promise<Transport>
  /** Checks and writes the chunks. Defaults to a thread of its own; ends with the node. */
  readonly placer?: Placer
}

/** What a node says of itself; the process adds its version and age. */
export type NodeStatus = Omit<StatusReport, 'version' | 'uptimeMs'> & { readonly progress: JoinProgress }

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
  readonly #placer: Placer
  readonly #pages: Awaited<ReturnType<typeof openFsBlockStore>>
  readonly #source: NodeSource
  readonly #dialer: Dialer
  readonly #begun: JoinedTarget | undefined
  readonly #startedMs: number
  readonly #usable: Promise<number>
  #release: Release | undefined
  #joining: SnapshotJoin | undefined
  #isJoining = false
  #opened = opening()

  private constructor(init: NodeInit, components: NodeComponents, parts: NodeParts) {
    this.#init = init
    this.#components = components
    this.#tracker = parts.tracker
    this.#peers = parts.peers
    this.#reporter = parts.reporter
    this.#transport = parts.transport
    this.#participant = parts.participant
    this.#keeper = parts.keeper
    this.#placer = parts.placer
    this.#pages = parts.pages
    this.#source = parts.source
    this.#dialer = parts.dialer
    this.#begun = parts.begun
    this.#startedMs = parts.startedMs
    this.#usable = parts.usable
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
    const usable = Promise.withResolvers<number>()
    const reporter = fanOut<NodeEvent>(
      tracker,
      { report: (event) => event.type === 'usable' && usable.resolve(event.sinceStartMs) },
      components.reporter,
    )
    const peers = new PeerTally()
    await inspectTarget(init.into) // so that a stranger's directory is refused before a `.cairn` is made in it
    const statePath = join(init.into, STATE_DIRECTORY)
    await mkdir(statePath, { recursive: true })
    await using cleanup = new AsyncDisposableStack()
    const placer = cleanup.use(components.placer ?? new PlacingThread())
    const pages = cleanup.use(await openFsBlockStore({ path: join(statePath, 'blocks'), clock, log }))
    await resumeSwitch(init.into, pages)
    const begun = await inspectBegun(init.into)
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
        ...(init.bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax: init.bytesPerSecondMax }),
        source,
        metadata: (file) => keeper.metadata(file),
      },
      { transport, clock, random, log, reporter: fanOut<SwarmEvent>(peers, reporter) },
    )
    cleanup.use(participant)
    const dialer = createDialer({ transport, addresses: init.peers, clock, random, reporter: dialReporter(reporter) })
    cleanup.move()
    return new Node(init, components, {
      placer,
      tracker,
      peers,
      reporter,
      transport,
      participant,
      keeper,
      pages,
      source,
      dialer,
      begun,
      startedMs,
      usable: usable.promise,
    })
  }

  get addresses(): readonly Address[] {
    return this.#transport.addresses()
  }

  get progress(): JoinProgress {
    return this.#tracker.progress
  }

  /** Milliseconds from the start until the ledger's own software could start; pending until then. */
  get usable(): Promise<number> {
    return this.#usable
  }

  /** Whether the bootstrap stage (or, where a release has none, everything) is in place, so that the ledger's own software can start. */
  ready(): { readonly ready: boolean; readonly reason: string } {
    const { phase, stage, isUsable, bytes, bytesHeld } = this.#tracker.progress
    if (phase === 'complete') return { ready: true, reason: 'everything is in place' }
    if (isUsable) return { ready: true, reason: `stage ${stage} is in place` }
    const stall = stallOf(this.#tracker.progress)
    return { ready: false, reason: `${phase}: ${stall ?? `${bytesHeld} of ${bytes} bytes are in place`}` }
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
   * With `stage` it ends as soon as that stage and those before it are committed, and fetches nothing else; their files and links are
   * then as they were published. A later call, here or in another run, goes on from there. One call at a time.
   *
   * @throws {TrustError} when no acceptable metadata vouches for the release
   * @throws {SwarmError} `NO_SOURCE`, `UNVERIFIABLE`
   * A directory that holds another version keeps it until the new one, which takes over what they share, is whole.
   *
   * @throws {StorageError} `FOREIGN_FILES`, `NO_SPACE`, `IO_FAILED`; `CORRUPT` if somebody keeps replacing files
   * @throws {NodeError} `MANIFEST_MISMATCH`, `NO_SUCH_STAGE`, `STAGE_OF_UPDATE`
   */
  async join(signal: AbortSignal, options: { readonly stage?: StageClass } = {}): Promise<JoinSummary> {
    assert(!this.#isJoining, 'one join at a time')
    this.#isJoining = true
    try {
      this.#joining ??= await this.#open(signal)
      this.#opened.resolve(this.#joining)
      return await this.#joining.run(options.stage, signal)
    } catch (error) {
      // Reads that wait for a snapshot wait no longer; those of the next call do.
      this.#opened.reject(error)
      if (this.#joining === undefined) this.#opened = opening()
      throw error
    } finally {
      this.#isJoining = false
    }
  }

  /**
   * Bytes `from` to `to` (exclusive) of the file `path` of the snapshot, verified, as soon as they are here: what is missing is
   * fetched before everything else. May be called before {@link join}, and then waits for the release and its manifest.
   *
   * @throws {NodeError} `UNKNOWN_PATH`, `NOT_A_FILE`, `OUT_OF_RANGE`; `NOT_FETCHING` if it is not here and no join is running
   * @throws {StorageError} `IO_FAILED`; the signal's reason; whatever ends the join that it waits for
   */
  async read(path: string, from: number, to: number, options: { readonly signal?: AbortSignal } = {}): Promise<Uint8Array> {
    const { reader } = await untilAborted(this.#opened.promise, options.signal)
    return reader.read(path, from, to, options.signal)
  }

  async stop(): Promise<void> {
    await this.#dialer.stop()
    await this.#participant.stop()
    await this.#transport.stop()
    await this.#joining?.store.close()
    await this.#placer[Symbol.asyncDispose]()
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

  /** Waits for the release and its manifest, and opens the directory. */
  async #open(signal: AbortSignal): Promise<SnapshotJoin> {
    const { into, patienceMs, network } = this.#init
    const { clock } = this.#components
    const release = await this.#choose(signal)
    this.#release = release
    this.#reporter.report({ type: 'waiting', reason: 'manifest' })
    const patience = patienceMs === undefined ? {} : { patienceMs }
    const index = await this.#participant.manifest(release.manifest, this.#pages, { ...patience, signal })
    assertMatches(index, release, network)
    const target = await updateTarget(into, index, this.#pages)
    const directories = [
      ...(target.from === undefined ? await setAside(into, index) : []),
      ...target.directories,
      ...(await seedDirectories(this.#init.seeds ?? [], clock)),
    ]
    const { from } = target
    if (directories.length === 0) return this.#openJoin(release, index, into, [])
    return this.#openJoin(release, index, target.path, directories, async (store) => {
      if (from !== undefined) {
        await store.close()
        await switchTree(into, from, index)
        this.#joining = await this.#openJoin(release, index, into, [])
        this.#opened = opening()
        this.#opened.resolve(this.#joining)
      }
      await forgetAside(into)
      await forgetLeftovers(into)
    })
  }

  async #openJoin(
    release: Release,
    index: SnapshotIndex,
    path: string,
    directories: readonly ReuseDirectory[],
    commit?: SnapshotJoinInit['commit'],
  ): Promise<SnapshotJoin> {
    const { clock, log } = this.#components
    const joining = await SnapshotJoin.open(
      {
        release,
        index,
        into: path,
        directories,
        isUpdate: path !== this.#init.into,
        ...(commit === undefined ? {} : { commit }),
        wasComplete: this.#begun?.complete === true && this.#begun.snapshot.equals(index.cid),
        patienceMs: this.#init.patienceMs,
        onTrace: this.#init.onTrace,
        startedMs: this.#startedMs,
      },
      { participant: this.#participant, clock, log, reporter: this.#reporter, placer: this.#placer },
    )
    this.#source.serve(index.cid, joining.store)
    return joining
  }

  #snapshotStatus({ ledger, height, manifest }: Release): StatusReport['snapshots'][number] {
    const { phase, stage, bytes, bytesHeld, slowed } = this.#tracker.progress
    const stall = stallOf(this.#tracker.progress) ?? (slowed === undefined ? undefined : describeSlowdown(slowed))
    return {
      ledger,
      height,
      manifest: manifest.toString(),
      stage: phase === 'complete' ? phase : (nextStage(stage) ?? phase),
      bytes: bytesHeld,
      bytesTotal: bytes,
      ...(stall === undefined ? {} : { stall }),
    }
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
  readonly placer: Placer
  readonly pages: Awaited<ReturnType<typeof openFsBlockStore>>
  readonly source: NodeSource
  readonly dialer: Dialer
  readonly begun: JoinedTarget | undefined
  readonly startedMs: number
  readonly usable: Promise<number>
}

/** A snapshot that is to be opened; nobody need wait for it. */
function opening(): PromiseWithResolvers<SnapshotJoin> {
  const opened = Promise.withResolvers<SnapshotJoin>()
  opened.promise.catch(() => {})
  return opened
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
