import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createDialer, createLibp2pTransport, type Dialer, loadOrCreatePeerKey, type PeerId, type Transport } from '@cairn/network'
import { fanOut } from '@cairn/observability'
import type { Reporter } from '@cairn/runtime'
import { openFsBlockStore, type Placer, PlacingThreads, STATE_DIRECTORY } from '@cairn/storage'
import { type DeltaSource, dialReporter, Participant, PeerTally, type SwarmEvent, TrustKeeper } from '@cairn/swarm'
import { CONNECTIONS_MAX } from './limits.ts'
import type { NodeEvent } from './events.ts'
import type { NodeComponents, NodeInit } from './node.ts'
import { NodeSource } from './node-source.ts'
import { ProgressTracker } from './progress.ts'

/** What a node is made of, whether it joins once or follows. */
export interface NodeParts {
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
  readonly startedMs: number
  /** When the ledger's own software could start, in milliseconds from the start. */
  readonly usable: Promise<number>
  /** Ends all of it; `between` when nobody asks or answers any more, and before what it writes with goes. */
  stop(between?: () => Promise<void>): Promise<void>
}

type OnHeads = (timestamp: Uint8Array, from: PeerId) => void

/** What only a node that stays has. */
export interface StayingParts {
  /** Hears of timestamps that peers announce. */
  readonly onHeads: OnHeads
  readonly deltas: DeltaSource
}

/**
 * Opens what the node keeps in `.cairn` of its directory, and dials the configured peers.
 *
 * @throws {StorageError} `LOCKED`, `IO_FAILED`; {TrustError}, {SwarmError}, {NetworkError} as `Node.start`
 */
export async function startParts(init: NodeInit, components: NodeComponents, staying?: StayingParts): Promise<NodeParts> {
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
  const statePath = join(init.into, STATE_DIRECTORY)
  await mkdir(statePath, { recursive: true })
  await using cleanup = new AsyncDisposableStack()
  const placer = cleanup.use(components.placer ?? new PlacingThreads())
  // Both at once: one waits for the disk while the other checks signatures.
  const openingPages = openFsBlockStore({ path: join(statePath, 'blocks'), clock, log })
  const closePages = (opened: Awaited<typeof openingPages>): Promise<void> => opened.close()
  cleanup.defer(() => openingPages.then(closePages, () => {})) // that it could not be opened has been said
  const keeperPath = join(statePath, 'trust')
  const [pages, keeper] = await Promise.all([openingPages, TrustKeeper.open({ path: keeperPath, root: init.trustRoot, clock })])
  const identity = await loadOrCreatePeerKey(join(statePath, 'peer.key'))
  const transport = await (components.createTransport ?? createLibp2pTransport)({
    connectionsMax: CONNECTIONS_MAX,
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
      ...(staying === undefined
        ? {}
        : { deltas: staying.deltas, onHeads: (_ledger: string, timestamp: Uint8Array, from: PeerId) => staying.onHeads(timestamp, from) }),
    },
    { transport, clock, random, log, reporter: fanOut<SwarmEvent>(peers, reporter) },
  )
  cleanup.use(participant)
  const dialer = createDialer({ transport, addresses: init.peers, clock, random, reporter: dialReporter(reporter) })
  cleanup.move()
  return {
    tracker,
    peers,
    reporter,
    transport,
    participant,
    keeper,
    placer,
    pages,
    source,
    dialer,
    startedMs,
    usable: usable.promise,
    async stop(between) {
      await dialer.stop()
      await participant.stop()
      await transport.stop()
      await between?.()
      await placer[Symbol.asyncDispose]()
      await pages.close()
    },
  }
}
