import { type Connection, ConnectionClosedError, type PeerInfo, type Stream } from '@libp2p/interface'
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { LevelDatastore } from 'datastore-level'
import type { Clock, Log } from '@cairn/runtime'
import { BanList } from '../ban-list.ts'
import { NetworkError, type NetworkFault } from '../errors.ts'
import { CONNECTIONS_MAX, DISCOVERED_PEERS_MAX, IDENTIFY_TIMEOUT_MS, OPEN_TIMEOUT_MS, STREAMS_PER_CONNECTION_MAX } from '../limits.ts'
import { PeerSet } from '../peer-set.ts'
import { Quota } from '../quota.ts'
import type { Address, Channel, PeerChange, PeerId, Protocol, Transport } from '../transport.ts'
import { StreamChannel } from './channel.ts'
import { Libp2pGossip } from './gossip.ts'
import { decodePeerKey } from './keys.ts'
import { createNode, type Node } from './node.ts'
import { dialFailureReason, listenFault } from './reasons.ts'
import { Turns } from './turns.ts'

export interface Libp2pTransportInit {
  /** A 32-byte Ed25519 seed or libp2p's protobuf form of a private key. */
  readonly privateKey: Uint8Array
  /** Multiaddrs to listen on; none for a peer that only dials. */
  readonly listen: readonly Address[]
  /** Multiaddrs to tell others instead of the ones that were found, for peers behind a forwarded port. */
  readonly announce?: readonly Address[]
  /** Whether to find, and be found by, peers on the local network. Default false. */
  readonly mdns?: boolean
  /** Folder that keeps what is known of other peers; in memory if absent. */
  readonly peerStorePath?: string
  /** Connections open at once, `CONNECTIONS_MAX` if absent. */
  readonly connectionsMax?: number
  readonly clock: Clock
  readonly log: Log
}

/**
 * Starts a {@link Transport} on libp2p: TCP, TLS or noise, yamux, gossipsub.
 *
 * @throws {NetworkError} `BAD_ADDRESS`, `LISTEN_FAILED`
 */
export async function createLibp2pTransport(init: Libp2pTransportInit): Promise<Transport> {
  const listen = init.listen.map((address) => parseAddress(address).toString())
  const announce = (init.announce ?? []).map((address) => parseAddress(address).toString())
  const privateKey = await decodePeerKey(init.privateKey)
  const bans = new BanList(init.clock)
  const isBanned = (peer: PeerId): boolean => bans.has(peer)
  const gossip = new Libp2pGossip({ clock: init.clock, log: init.log, isBanned })
  const datastore = init.peerStorePath === undefined ? undefined : await openDatastore(init.peerStorePath)
  const node = await createNode({
    privateKey,
    listen,
    announce,
    mdns: init.mdns ?? false,
    datastore,
    connectionsMax: init.connectionsMax ?? CONNECTIONS_MAX,
    isBanned,
    gossip: gossip.service,
  })
  const transport = new Libp2pTransport({ node, bans, gossip, datastore, clock: init.clock, log: init.log })
  try {
    await node.start()
    return transport
  } catch (error) {
    await transport.stop()
    if (error instanceof Error && error.name === 'UnsupportedListenAddressesError') {
      throw new NetworkError(listenFault(error, listen), { cause: error })
    }
    throw error
  }
}

async function openDatastore(path: string): Promise<LevelDatastore> {
  const { LevelDatastore } = await import('datastore-level')
  const datastore = new LevelDatastore(path)
  await datastore.open()
  return datastore
}

interface Libp2pTransportParts {
  readonly node: Node
  readonly bans: BanList
  readonly gossip: Libp2pGossip
  readonly datastore: LevelDatastore | undefined
  readonly clock: Clock
  readonly log: Log
}

/**
 * A peer counts as connected once it has been identified, or has opened a channel to us. Before that the other side
 * may still turn us away: with TLS and noise the side that dials is done before the side that is dialled has seen who dials.
 */
class Libp2pTransport implements Transport {
  readonly self: PeerId
  readonly gossip: Libp2pGossip
  readonly #node: Node
  readonly #bans: BanList
  readonly #datastore: LevelDatastore | undefined
  readonly #clock: Clock
  readonly #log: Log
  readonly #peers = new PeerSet()
  readonly #channels = new Set<StreamChannel>()
  readonly #inbound = new Quota()
  readonly #turns = new WeakMap<Connection, Turns>()
  #stopping: Promise<void> | undefined

  constructor({ node, bans, gossip, datastore, clock, log }: Libp2pTransportParts) {
    this.self = node.peerId.toString()
    this.gossip = gossip
    this.#node = node
    this.#bans = bans
    this.#datastore = datastore
    this.#clock = clock
    this.#log = log
    node.addEventListener('connection:open', (event) => this.#expectIdentity(event.detail))
    node.addEventListener('peer:identify', (event) => this.#onAccepted(event.detail.connection))
    node.addEventListener('peer:disconnect', (event) => this.#peers.delete(event.detail.toString()))
    node.addEventListener('peer:discovery', (event) => this.#dialDiscovered(event.detail))
  }

  addresses(): readonly Address[] {
    return this.#node.getMultiaddrs().map((address) => address.toString())
  }

  peers(): readonly PeerId[] {
    return this.#peers.list()
  }

  async dial(address: Address, options?: { readonly signal?: AbortSignal }): Promise<PeerId> {
    this.#assertRunning()
    options?.signal?.throwIfAborted()
    const target = parseAddress(address)
    const expected = peerOf(target)
    if (expected !== undefined && this.#bans.has(expected)) throw new NetworkError({ code: 'BANNED', peer: expected })
    if (expected !== undefined && this.#peers.has(expected)) return expected
    try {
      const connection = await this.#node.dial(target, options)
      const peer = connection.remotePeer.toString()
      await this.#identified(connection, options?.signal)
      return peer
    } catch (error) {
      options?.signal?.throwIfAborted()
      this.#assertRunning()
      throw new NetworkError({ code: 'DIAL_FAILED', address, reason: dialFailureReason(error) }, { cause: error })
    }
  }

  async hangUp(peer: PeerId): Promise<void> {
    // First the channels, so that the peer sees them broken off and not as if each had come to its end.
    this.#abortChannels(peer, 'the connection was closed')
    const close = async (connection: Connection): Promise<void> => {
      await connection.close().catch((error: unknown) => connection.abort(error instanceof Error ? error : new Error('not closed')))
    }
    await Promise.all(this.#connections(peer).map(close))
  }

  async open(peer: PeerId, protocol: Protocol, options?: { readonly signal?: AbortSignal }): Promise<Channel> {
    this.#assertRunning()
    options?.signal?.throwIfAborted()
    if (this.#bans.has(peer)) throw new NetworkError({ code: 'BANNED', peer })
    const connection = this.#connections(peer).find(({ status }) => status === 'open')
    if (connection === undefined || !this.#peers.has(peer)) throw new NetworkError({ code: 'NOT_CONNECTED', peer })
    try {
      const timeout = AbortSignal.timeout(OPEN_TIMEOUT_MS)
      const signal = options?.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
      const stream = await connection.newStream([protocol.name], { signal, maxOutboundStreams: STREAMS_PER_CONNECTION_MAX })
      return this.#createChannel(stream, connection, protocol)
    } catch (error) {
      options?.signal?.throwIfAborted()
      this.#assertRunning()
      throw new NetworkError(openFault(error, connection, protocol), { cause: error })
    }
  }

  async handle(protocol: Protocol, handler: (channel: Channel) => Promise<void>): Promise<void> {
    this.#assertRunning()
    await this.#node.handle(protocol.name, (stream, connection) => this.#onStream(stream, connection, protocol, handler), {
      force: true,
      // Counted below for each peer; libp2p would count for each connection.
      maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
      maxOutboundStreams: STREAMS_PER_CONNECTION_MAX,
    })
  }

  ban(peer: PeerId, durationMs: number): void {
    this.#bans.add(peer, durationMs)
    this.#abortChannels(peer, 'the peer is banned')
    for (const connection of this.#connections(peer)) connection.abort(new Error('the peer is banned'))
  }

  isBanned(peer: PeerId): boolean {
    return this.#bans.has(peer)
  }

  onPeerChange(listener: (change: PeerChange) => void): () => void {
    return this.#peers.onChange(listener)
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#abortChannels(undefined, 'the transport has stopped')
    await this.#node.stop()
    await this.#datastore?.close()
  }

  /** Ends a connection that stays anonymous, or whose other side turns out not to want us. */
  #expectIdentity(connection: Connection): void {
    const timer = this.#clock.setTimer(IDENTIFY_TIMEOUT_MS, () => {
      if (!this.#peers.has(connection.remotePeer.toString())) connection.abort(new Error('timed out'))
    })
    connection.addEventListener('close', () => timer.cancel(), { once: true })
  }

  /** Resolves when the peer of `connection` counts as connected; rejects if the connection ends before. */
  #identified(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
    const peer = connection.remotePeer.toString()
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        unsubscribe()
        connection.removeEventListener('close', onClose)
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      const onClose = (): void => end(() => reject(new ConnectionClosedError()))
      const onAbort = (): void => end(() => reject(signal?.reason))
      const unsubscribe = this.#peers.onChange((change) => {
        if (change.peer === peer && change.type === 'connected') end(resolve)
      })
      connection.addEventListener('close', onClose)
      signal?.addEventListener('abort', onAbort)
      if (this.#peers.has(peer)) end(resolve)
      else if (connection.status !== 'open') onClose()
    })
  }

  #onAccepted(connection: Connection): void {
    // Identification takes a moment after the last byte from the peer, and it may be gone by then.
    if (connection.status === 'open') this.#peers.add(connection.remotePeer.toString())
  }

  #onStream(stream: Stream, connection: Connection, protocol: Protocol, handler: (channel: Channel) => Promise<void>): void {
    const peer = connection.remotePeer.toString()
    const channel = this.#createChannel(stream, connection, protocol)
    if (!this.#inbound.take(`${peer} ${protocol.name}`, protocol.channelsPerPeerMax, channel.closed)) {
      channel.abort(new Error('too many channels'))
      return
    }
    this.#onAccepted(connection)
    handler(channel).catch((error: unknown) => {
      this.#log.warn('channel-handler-failed', { peer, protocol: protocol.name, error: String(error) })
      channel.abort(error instanceof Error ? error : new Error(String(error)))
    })
  }

  #dialDiscovered(found: PeerInfo): void {
    if (this.#peers.list().length >= DISCOVERED_PEERS_MAX || this.#bans.has(found.id.toString())) return
    this.#node.dial(found.multiaddrs).catch((error: unknown) => {
      this.#log.debug('discovered-peer-not-reached', { peer: found.id.toString(), reason: dialFailureReason(error) })
    })
  }

  #createChannel(stream: Stream, connection: Connection, protocol: Protocol): StreamChannel {
    let turns = this.#turns.get(connection)
    if (turns === undefined) {
      turns = new Turns()
      this.#turns.set(connection, turns)
    }
    const channel = new StreamChannel({ stream, turns, peer: connection.remotePeer.toString(), protocol })
    if (!channel.closed.aborted) {
      this.#channels.add(channel)
      channel.closed.addEventListener('abort', () => this.#channels.delete(channel), { once: true })
    }
    return channel
  }

  #abortChannels(peer: PeerId | undefined, reason: string): void {
    for (const channel of this.#channels) {
      if (peer === undefined || channel.peer === peer) channel.abort(new Error(reason))
    }
  }

  #connections(peer: PeerId): readonly Connection[] {
    return this.#node.getConnections().filter(({ remotePeer }) => remotePeer.toString() === peer)
  }

  #assertRunning(): void {
    if (this.#stopping !== undefined) throw new NetworkError({ code: 'STOPPED' })
  }
}

/** @throws {NetworkError} `BAD_ADDRESS` */
function parseAddress(address: Address): Multiaddr {
  try {
    return multiaddr(address)
  } catch (error) {
    throw new NetworkError({ code: 'BAD_ADDRESS', address }, { cause: error })
  }
}

/** The peer that an address names, if it names one. */
function peerOf(address: Multiaddr): PeerId | undefined {
  return address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value
}

function openFault(error: unknown, connection: Connection, protocol: Protocol): NetworkFault {
  const peer = connection.remotePeer.toString()
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
    return { code: 'UNSUPPORTED_PROTOCOL', peer, protocol: protocol.name }
  }
  if (connection.status !== 'open') return { code: 'NOT_CONNECTED', peer }
  return { code: 'CHANNEL_CLOSED', peer, reason: dialFailureReason(error) }
}
