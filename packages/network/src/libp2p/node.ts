import { type GossipSub, type GossipSubComponents } from '@libp2p/gossipsub'
import { type Identify, identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { type Ping, ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import type { LevelDatastore } from 'datastore-level'
import { createLibp2p } from 'libp2p'
import {
  CONNECTIONS_PER_HOST_PER_SECOND_MAX,
  DIAL_TIMEOUT_MS,
  HANDSHAKES_MAX,
  IDENTIFY_TIMEOUT_MS,
  OPEN_TIMEOUT_MS,
  PING_INTERVAL_MS,
  PING_TIMEOUT_MS,
  SOCKET_BUFFER_BYTES,
  STREAM_READ_BUFFER_BYTES_MAX,
  STREAM_WINDOW_BYTES_MAX,
  STREAMS_PER_CONNECTION_MAX,
} from '../limits.ts'
import type { Address, PeerId } from '../transport.ts'
import { noiseOnDemand } from './noise-on-demand.ts'
import { tlsOnSocket } from './tls/encrypter.ts'

interface NodeInit {
  readonly privateKey: PrivateKey
  readonly listen: readonly Address[]
  readonly announce: readonly Address[]
  readonly mdns: boolean
  readonly datastore: LevelDatastore | undefined
  readonly connectionsMax: number
  readonly isBanned: (peer: PeerId) => boolean
  readonly gossip: (components: GossipSubComponents) => GossipSub
}

// A type and not an interface: libp2p wants an index signature.
type NodeServices = { identify: Identify; ping: Ping; gossip: GossipSub }

export type Node = Libp2p<NodeServices>

/** Everything we set on libp2p, and why. The node is not started. */
export async function createNode(init: NodeInit): Promise<Node> {
  // TCPSocketOptions does not list it, but hands it to `net`, for both directions of the socket.
  const socketOptions = { noDelay: true, highWaterMark: SOCKET_BUFFER_BYTES }
  return createLibp2p<NodeServices>({
    start: false,
    privateKey: init.privateKey,
    // The version stays out: it tells an attacker more than it tells a peer.
    nodeInfo: { name: 'cairn', version: '', userAgent: 'cairn' },
    addresses: { listen: [...init.listen], announce: [...init.announce] },
    transports: [tcp({ dialOpts: socketOptions, listenOpts: socketOptions })],
    // In the order of preference of the side that dials. TLS moves twice the bytes for the same processor time; noise is
    // what every libp2p implementation speaks. Of its two copies for libp2p 3, equal on the wire, this is libp2p's own.
    connectionEncrypters: [tlsOnSocket(), noiseOnDemand()],
    streamMuxers: [
      yamux({
        maxInboundStreams: STREAMS_PER_CONNECTION_MAX,
        maxOutboundStreams: STREAMS_PER_CONNECTION_MAX,
        // Streams that arrive just before libp2p listens for them; its default of 10 resets a peer that opens its channels at once.
        maxEarlyStreams: STREAMS_PER_CONNECTION_MAX,
        // The initial window is left alone: it is not negotiated, so it has to be what all others assume.
        streamOptions: { maxStreamWindowSize: STREAM_WINDOW_BYTES_MAX, maxReadBufferLength: STREAM_READ_BUFFER_BYTES_MAX },
      }),
    ],
    connectionManager: {
      maxConnections: init.connectionsMax,
      inboundConnectionThreshold: CONNECTIONS_PER_HOST_PER_SECOND_MAX,
      maxIncomingPendingConnections: HANDSHAKES_MAX,
      inboundUpgradeTimeout: DIAL_TIMEOUT_MS,
      inboundStreamProtocolNegotiationTimeout: OPEN_TIMEOUT_MS,
      outboundStreamProtocolNegotiationTimeout: OPEN_TIMEOUT_MS,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: DIAL_TIMEOUT_MS,
      // Redialling is our own Dialer's work.
      reconnectRetries: 0,
    },
    connectionMonitor: { pingInterval: PING_INTERVAL_MS, pingTimeout: { minTimeout: PING_TIMEOUT_MS, maxTimeout: PING_TIMEOUT_MS } },
    connectionGater: {
      denyDialPeer: (peer) => init.isBanned(peer.toString()),
      denyInboundEncryptedConnection: (peer) => init.isBanned(peer.toString()),
      denyOutboundEncryptedConnection: (peer) => init.isBanned(peer.toString()),
    },
    peerDiscovery: init.mdns ? [(await import('@libp2p/mdns')).mdns({ serviceTag: '_cairn._udp.local' })] : [],
    ...(init.datastore === undefined ? {} : { datastore: init.datastore }),
    services: { identify: identify({ timeout: IDENTIFY_TIMEOUT_MS }), ping: ping(), gossip: init.gossip },
  })
}
