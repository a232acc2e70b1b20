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
import { fanOut } from '@cairn/observability'
import { type Clock, type Log, type Random, type Reporter, Tasks } from '@cairn/runtime'
import { type BlockStore, type FsBlockStoreInit, openFsBlockStore, type Placer, PlacingThread } from '@cairn/storage'
import { Participant, PeerTally, ReceivedDeltas, type SwarmEvent, TrustKeeper } from '@cairn/swarm'
import { DEFAULT_CHANNEL } from '@cairn/trust'
import { BoundedStore } from './bounded-store.ts'
import { Catalogue } from './catalogue.ts'
import type { CacheEvent } from './events.ts'
import { DELTAS_SHARE_MAX, VERSIONS_PINNED } from './limits.ts'
import { MirrorLoop } from './mirror-loop.ts'
import { MirrorSource } from './mirror-source.ts'
import { Mirrors } from './mirrors.ts'
import { reasonOf } from './reason.ts'
import { RebuildThread } from './rebuild-thread.ts'
import { type CacheStatus, snapshotStatuses } from './status.ts'
import { TrustFollower } from './trust-follower.ts'

export interface CacheInit {
  /** The `root.json` that the operator was given. */
  readonly trustRoot: Uint8Array
  readonly peers: readonly Address[]
  /** Directory of the cache: `trust`, `mirrors.json`, `peer.key`, `blocks/` and `deltas/`. Created if absent. */
  readonly storePath: string
  /** Ledgers to mirror; by default all that the trust root vouches for. */
  readonly ledgers?: readonly string[]
  readonly network: string
  readonly region?: string
  /** The most that the store may take; absent: what the disk has. */
  readonly capacityBytes?: number
  /** Frame bytes per second to fetch at most. Absent: what the sources give. */
  readonly bytesPerSecondMax?: number
  readonly listen: readonly Address[]
  readonly announce?: readonly Address[]
  readonly mdns?: boolean
  /** Versions to keep per ledger and channel: 2 unless told otherwise. */
  readonly versionsPinned?: 1 | 2
  /** Channels whose newest versions are mirrored, the most important first: `stable` unless told otherwise. */
  readonly channels?: readonly string[]
}

export interface CacheComponents {
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly reporter: Reporter<CacheEvent>
  /** Defaults to libp2p. */
  readonly createTransport?: (init: Libp2pTransportInit) => Promise<Transport>
  /** Checks what arrives. Defaults to a thread of its own; ends with the cache. */
  readonly placer?: Placer
  /** Defaults to a store on the file system. */
  readonly openStore?: (init: FsBlockStoreInit) => Promise<BlockStore>
}

interface CacheParts {
  readonly init: CacheInit
  readonly components: CacheComponents
  readonly transport: Transport
  readonly store: BlockStore
  readonly deltas: ReceivedDeltas
  readonly rebuilder: RebuildThread
  readonly placer: Placer
  readonly participant: Participant
  readonly mirrors: Mirrors
  readonly follower: TrustFollower
  readonly loop: MirrorLoop
  readonly dialer: Dialer
  readonly peers: PeerTally
  readonly tasks: Tasks
}

/**
 * Mirrors what its trust root admits, within its capacity, and serves it.
 *
 * What was mirrored is served from the first moment, with nobody else on the network; what is missing, newer or withdrawn is then
 * brought in line with the metadata, over and over.
 */
export class Cache implements AsyncDisposable {
  readonly #parts: CacheParts
  #stopping: Promise<void> | undefined

  private constructor(parts: CacheParts) {
    this.#parts = parts
  }

  /**
   * Starts serving what an earlier run mirrored; resolves when it listens.
   *
   * @throws {TrustError} when `trustRoot` is no root, or is expired and nothing was accepted under it before
   * @throws {SwarmError} `OTHER_TRUST_ROOT`
   * @throws {StorageError} `LOCKED`, `CORRUPT`, `UNSUPPORTED_VERSION`, `NO_SPACE`, `IO_FAILED`
   * @throws {NetworkError} `LISTEN_FAILED`, `BAD_ADDRESS`, `BAD_KEY`
   */
  static async start(init: CacheInit, components: CacheComponents): Promise<Cache> {
    const { clock, random, log, reporter } = components
    const { storePath, network, region, ledgers: followed = 'all' } = init
    await using cleanup = new AsyncDisposableStack()
    await mkdir(storePath, { recursive: true })
    const placer = cleanup.use(components.placer ?? new PlacingThread())
    // First, because its lock keeps a second cache away from everything else in the directory.
    const blocks = cleanup.use(await (components.openStore ?? openFsBlockStore)({ path: join(storePath, 'blocks'), clock, log }))
    const capacityBytes = init.capacityBytes ?? Number.POSITIVE_INFINITY
    const onDamaged = (path: string, reason: string): void => reporter.report({ type: 'deltas-damaged', path, reason })
    const deltas = cleanup.use(
      await ReceivedDeltas.open({ path: join(storePath, 'deltas'), bytesMax: capacityBytes * DELTAS_SHARE_MAX, onDamaged }),
    )
    const rebuilder = cleanup.use(new RebuildThread())
    const store = new BoundedStore(blocks, capacityBytes, deltas)
    const keeper = await TrustKeeper.open({ path: join(storePath, 'trust'), root: init.trustRoot, clock })
    const mirrors = await Mirrors.open({ path: join(storePath, 'mirrors.json'), store, clock, reporter })
    const identity = await loadOrCreatePeerKey(join(storePath, 'peer.key'))
    const transport = await (components.createTransport ?? createLibp2pTransport)({
      privateKey: identity.privateKey,
      listen: init.listen,
      ...(init.announce === undefined ? {} : { announce: init.announce }),
      mdns: init.mdns ?? false,
      clock,
      log,
    })
    cleanup.defer(() => transport.stop())
    const known = new Catalogue(keeper.state, followed)
    const peers = new PeerTally()
    // Peers may ask and announce before these are there.
    let follower: TrustFollower | undefined
    let loop: MirrorLoop | undefined
    const participant = await Participant.start(
      {
        network,
        ledgers: [...new Set([...(followed === 'all' ? known.ledgers : followed), ...mirrors.all.map(({ ledger }) => ledger)])],
        ...(region === undefined ? {} : { region }),
        ...(init.bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax: init.bytesPerSecondMax }),
        source: new MirrorSource(store, {
          onUsed: (cid) => mirrors.used(cid),
          onLost: (cid) => {
            if (mirrors.lost(cid)) loop?.changed()
          },
        }),
        deltas,
        metadata: (file) => keeper.metadata(file),
        onHeads: (_ledger, timestamp, from) => follower?.heard(timestamp, from),
      },
      { transport, clock, random, log, reporter: fanOut<SwarmEvent>(peers, reporter) },
    )
    cleanup.use(participant)
    follower = new TrustFollower(
      { ledgers: followed, onUpdated: () => loop?.changed(), onRound: () => mirrors.save() },
      { keeper, participant, transport, clock, reporter },
    )
    loop = new MirrorLoop(
      {
        network,
        capacityBytes,
        channels: init.channels ?? [DEFAULT_CHANNEL],
        versionsPinned: init.versionsPinned ?? VERSIONS_PINNED,
        catalogue: () => follower?.catalogue ?? known,
      },
      { store, mirrors, participant, clock, reporter, placer, deltas, rebuilder },
    )
    for (const mirror of mirrors.all) {
      const { index, cid, ledger, have } = mirror
      if (index !== undefined && known.withdrawalOf(mirror) === undefined) participant.hold(cid, ledger, have)
    }
    const tasks = new Tasks((error, task) => log.error('task-failed', { task, reason: reasonOf(error) }))
    const dialer = createDialer({ transport, addresses: init.peers, clock, random, reporter: dialReporter(reporter) })
    const cache = new Cache({
      init,
      components,
      transport,
      store,
      deltas,
      rebuilder,
      placer,
      participant,
      mirrors,
      follower,
      loop,
      dialer,
      peers,
      tasks,
    })
    cache.#begin()
    cleanup.move()
    return cache
  }

  get addresses(): readonly Address[] {
    return this.#parts.transport.addresses()
  }

  /** Whether there is a snapshot that somebody could join from here. Metadata that has expired is for {@link status} to say. */
  ready(): { readonly ready: boolean; readonly reason: string } {
    const count = this.#parts.mirrors.all.filter(({ complete }) => complete).length
    if (count > 0) return { ready: true, reason: `serving ${count} complete snapshots` }
    return { ready: false, reason: this.#stalled() ?? 'no snapshot is complete yet' }
  }

  status(): CacheStatus {
    const { init, components, transport, store, mirrors, follower, loop, peers } = this.#parts
    const { catalogue } = follower
    const stalled = this.#stalled()
    return {
      role: 'cache',
      peer: transport.self,
      addresses: this.addresses,
      ...this.ready(),
      region: init.region ?? '',
      storeBytes: store.totalBytes,
      ...(init.capacityBytes === undefined ? {} : { capacityBytes: init.capacityBytes }),
      freshUntil: new Date(catalogue.freshUntil).toISOString(),
      fresh: catalogue.freshUntil > components.clock.now(),
      snapshots: snapshotStatuses(mirrors.all, catalogue, loop.decisions),
      peers: peers.peers,
      ...(stalled === undefined ? {} : { stalled }),
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #begin(): void {
    const { components, transport, store, mirrors, follower, loop, tasks } = this.#parts
    const stopListening = transport.onPeerChange(({ type, peer }) => {
      if (type !== 'connected') return
      follower.connected(peer)
      loop.sourceAppeared()
    })
    tasks.signal.addEventListener('abort', stopListening, { once: true })
    tasks.spawn('follow metadata', (signal) => follower.run(signal))
    tasks.spawn('mirror', (signal) => loop.run(signal))
    const snapshots = mirrors.all.filter(({ complete }) => complete).length
    components.reporter.report({ type: 'serving', snapshots, addresses: this.addresses, storeBytes: store.totalBytes })
  }

  #stalled(): string | undefined {
    const { follower, loop } = this.#parts
    return loop.trouble ?? follower.trouble
  }

  async #stop(): Promise<void> {
    const { transport, store, deltas, rebuilder, placer, participant, mirrors, dialer, tasks } = this.#parts
    const stopped = tasks.stop()
    await dialer.stop()
    // Ends what the tasks wait for from peers.
    await participant.stop()
    await stopped
    await transport.stop()
    await mirrors.save()
    await placer[Symbol.asyncDispose]()
    await rebuilder[Symbol.asyncDispose]()
    await deltas[Symbol.asyncDispose]()
    await store.close()
  }
}

function dialReporter(reporter: Reporter<CacheEvent>): Parameters<typeof createDialer>[0]['reporter'] {
  return {
    report(event) {
      if (event.type !== 'dial-failed') return
      reporter.report({ type: 'dial-failed', address: event.address, reason: event.reason, retryInMs: event.retryInMs })
    },
  }
}
