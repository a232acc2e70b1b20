import { type Address, type Channel, NetworkError, type PeerId, type Transport } from '@cairn/network'
import { type CID, CONTROL_PROTOCOL, EXCHANGE_PROTOCOL, ProtocolError, type SnapshotIndex } from '@cairn/protocol'
import { type Clock, type Log, type Random, type Reporter, Tasks } from '@cairn/runtime'
import type { BlockSource, BlockStore } from '@cairn/storage'
import type { TrustState } from '@cairn/trust'
import { Announcer } from './announcer.ts'
import { BlockFetcher } from './block-fetcher.ts'
import { serveControl } from './control/server.ts'
import { queryDeltas } from './delta-query.ts'
import { type DeltaOffer, type DeltaSource, NO_DELTAS } from './delta-source.ts'
import { Discovery } from './discovery.ts'
import { type DownloadInit, DownloadSession, type DownloadSummary } from './download-session.ts'
import type { SwarmEvent } from './events.ts'
import { serveExchange } from './exchange/server.ts'
import { Uplink } from './exchange/uplink.ts'
import { Holdings } from './holdings.ts'
import { RECENT_FRAMES_BYTES_MAX } from './limits.ts'
import { fetchManifest } from './manifest-fetch.ts'
import { refreshMetadata, type RefreshOutcome } from './metadata-refresh.ts'
import { Neighbours } from './neighbours.ts'
import { PeerLink } from './peer-link.ts'
import { createPenalize, type Penalize } from './penalties.ts'
import { RecentFrames } from './recent-frames.ts'

export interface ParticipantInit {
  /** Network and ledgers whose gossip this participant takes part in. */
  readonly network: string
  readonly ledgers: readonly string[]
  /** Asks others to leave this participant alone while several of them have everything: what an origin does. */
  readonly isLastResort?: boolean
  /** Told to others; empty for a peer that keeps it to itself. */
  readonly region?: string
  /** Blocks that others may fetch here. */
  readonly source: BlockSource
  /** Deltas that others may have in the place of chunks. Absent: none but those that this participant has just fetched itself. */
  readonly deltas?: DeltaSource
  /** Trust metadata that others may fetch here, by file name. */
  readonly metadata: (file: string) => Promise<Uint8Array | undefined>
  /** Frame bytes per second that a download asks for at most, all sources together. Absent: no bound. */
  readonly bytesPerSecondMax?: number
  /** Somebody announced a new timestamp of `ledger`; nothing about it is verified. */
  readonly onHeads?: (ledger: string, timestamp: Uint8Array, from: PeerId) => void
}

export interface ParticipantComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly reporter: Reporter<SwarmEvent>
}

/**
 * One participant: serves what it has, fetches by the scheduler, announces, and holds peers to account.
 * Origin, cache and node are this with different things plugged in.
 */
export class Participant implements AsyncDisposable {
  readonly #components: ParticipantComponents
  readonly #bytesPerSecondMax: number | undefined
  readonly #tasks: Tasks
  readonly #holdings: Holdings
  readonly #neighbours: Neighbours
  readonly #announcer: Announcer
  readonly #discovery: Discovery
  readonly #links = new Map<PeerId, PeerLink>()
  readonly #refusals = new Map<PeerId, string>()
  readonly #penalize: Penalize
  readonly #fetcher: BlockFetcher
  readonly #recent = new RecentFrames(RECENT_FRAMES_BYTES_MAX)
  #stopListening: () => void = () => {}

  private constructor(init: ParticipantInit, components: ParticipantComponents) {
    this.#components = components
    this.#bytesPerSecondMax = init.bytesPerSecondMax
    const { transport, clock, log, reporter } = components
    this.#tasks = new Tasks((error, name) =>
      log.error('task-failed', { task: name, reason: error instanceof Error ? error.message : String(error) }),
    )
    this.#holdings = new Holdings(clock)
    this.#neighbours = new Neighbours(clock)
    this.#penalize = createPenalize({ transport, clock, reporter })
    const link = (peer: PeerId): PeerLink => this.#link(peer)
    this.#fetcher = new BlockFetcher({ transport, clock, link, penalize: this.#penalize })
    this.#announcer = new Announcer(init, { transport, clock, reporter, neighbours: this.#neighbours, holdings: this.#holdings })
    const peersOf = async (peer: PeerId, snapshot: CID): Promise<readonly Address[]> => (await link(peer).control()).peers(snapshot)
    this.#discovery = new Discovery({ transport, clock, peersOf, neighbours: this.#neighbours })
  }

  /** Starts serving and listening to gossip. */
  static async start(init: ParticipantInit, components: ParticipantComponents): Promise<Participant> {
    const participant = new Participant(init, components)
    await participant.#start(init)
    return participant
  }

  /** Says that `have` of `snapshot`, one of `ledger`'s, can be fetched here, and announces it. */
  hold(snapshot: CID, ledger: string, have: SnapshotHave): void {
    this.#holdings.add(snapshot, have)
    this.#announcer.announce(snapshot, ledger)
  }

  /** Takes back {@link hold}: the snapshot was evicted. */
  release(snapshot: CID): void {
    this.#holdings.remove(snapshot)
    this.#announcer.forget(snapshot)
  }

  /** Takes part in the gossip of `ledger` too; those that it started with need not be named again. */
  follow(ledger: string): void {
    this.#announcer.follow(ledger)
  }

  /** Tells the network about a new timestamp of `ledger`. */
  announceHeads(ledger: string, timestamp: Uint8Array): Promise<void> {
    return this.#announcer.announceHeads(ledger, timestamp)
  }

  /** Asks connected peers, `first` before the others, for trust metadata newer than `state`. */
  refresh(state: TrustState, ledgers: readonly string[] | 'all', first?: PeerId): Promise<RefreshOutcome> {
    const { transport, clock, reporter } = this.#components
    return refreshMetadata(
      state,
      ledgers,
      { transport, clock, reporter, link: (peer) => this.#link(peer), penalize: this.#penalize, refusals: this.#refusals },
      first,
    )
  }

  /** Loads the manifest of `snapshot` into `pages`; see {@link fetchManifest}. */
  async manifest(
    snapshot: CID,
    pages: BlockStore,
    options: { readonly patienceMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<SnapshotIndex> {
    const signal = options.signal === undefined ? this.#tasks.signal : AbortSignal.any([options.signal, this.#tasks.signal])
    const index = await fetchManifest({ ...options, snapshot, pages, fetcher: this.#fetcher, signal })
    this.#components.reporter.report({
      type: 'manifest-loaded',
      snapshot: snapshot.toString(),
      pagesCount: index.pages.length,
      chunksCount: index.chunksCount,
      bytes: index.root.totals.bytes,
    })
    return index
  }

  /** What connected peers offer to a holder of `from` who wants `index`; see {@link queryDeltas}. */
  deltas(index: SnapshotIndex, from: CID, options: { readonly waitMs: number; readonly signal?: AbortSignal }): Promise<DeltaOffer> {
    const { transport, clock } = this.#components
    const signal = options.signal === undefined ? this.#tasks.signal : AbortSignal.any([options.signal, this.#tasks.signal])
    const components = { transport, clock, link: (peer: PeerId) => this.#link(peer), penalize: this.#penalize }
    return queryDeltas(index, from, { waitMs: options.waitMs, signal }, components)
  }

  /** Fetches what the sink lacks, serving what it has to others meanwhile; see {@link DownloadSession.run}. */
  download(init: DownloadInit): Promise<DownloadSummary> {
    return this.startDownload(init).result
  }

  /** Like {@link download}, with a handle on the running session. */
  startDownload(init: DownloadInit): { readonly session: DownloadSession; readonly result: Promise<DownloadSummary> } {
    const { transport, clock, random, reporter } = this.#components
    const signal = init.signal === undefined ? this.#tasks.signal : AbortSignal.any([init.signal, this.#tasks.signal])
    const session = new DownloadSession(
      { ...(this.#bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax: this.#bytesPerSecondMax }), ...init, signal },
      {
        transport,
        clock,
        random: random.fork(`download/${init.index.cid.toString()}`),
        reporter,
        holdings: this.#holdings,
        recent: this.#recent,
        link: (peer) => this.#link(peer),
        penalize: this.#penalize,
      },
    )
    const { root, cid } = init.index
    this.#announcer.announce(cid, root.ledger)
    const stopDiscovery = this.#discovery.seek(cid)
    const result = session.run().finally(stopDiscovery)
    return { session, result }
  }

  async stop(): Promise<void> {
    this.#stopListening()
    this.#announcer.stop()
    this.#discovery.stop()
    this.#holdings.stop()
    for (const link of this.#links.values()) link.close(new Error('stopped'))
    await this.#tasks.stop()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #start(init: ParticipantInit): Promise<void> {
    const { transport, clock, reporter } = this.#components
    const source = this.#recent.before(init.source)
    const deltas = this.#recent.beforeDeltas(init.deltas ?? NO_DELTAS)
    const uplink = new Uplink({ clock, source, deltas, reporter })
    this.#stopListening = transport.onPeerChange(({ type, peer }) => {
      reporter.report({ type: type === 'connected' ? 'peer-connected' : 'peer-disconnected', peer })
      if (type === 'connected') return
      this.#links.get(peer)?.close(new Error('the peer left'))
      this.#links.delete(peer)
      this.#refusals.delete(peer)
    })
    await transport.handle(EXCHANGE_PROTOCOL, (channel) => this.#serve(channel, () => serveExchange(channel, uplink)))
    await transport.handle(CONTROL_PROTOCOL, (channel) =>
      this.#serve(channel, () =>
        serveControl(channel, {
          holdings: this.#holdings,
          metadata: init.metadata,
          isLastResort: init.isLastResort ?? false,
          deltas,
          neighbours: (snapshot, except) => this.#discovery.addressesFor(snapshot, except),
        }),
      ),
    )
    this.#announcer.start()
  }

  /** Runs a server on an inbound channel; what no honest peer sends is held against the peer, and only its channel ends. */
  async #serve(channel: Channel, serve: () => Promise<void>): Promise<void> {
    try {
      await serve()
    } catch (error) {
      channel.abort(error instanceof Error ? error : new Error(String(error)))
      if (error instanceof ProtocolError) {
        this.#penalize(channel.peer, 'malformed-message', { detail: error.message, mayBan: true })
      } else if (!(error instanceof NetworkError)) {
        throw error
      }
    }
  }

  #link(peer: PeerId): PeerLink {
    let link = this.#links.get(peer)
    if (link === undefined) {
      const { transport, clock } = this.#components
      link = new PeerLink(peer, {
        transport,
        clock,
        tasks: this.#tasks,
        onMisbehaviour: (who, error) => this.#penalize(who, 'malformed-message', { detail: error.message, mayBan: true }),
      })
      this.#links.set(peer, link)
    }
    return link
  }
}

type SnapshotHave = Parameters<Holdings['add']>[1]
