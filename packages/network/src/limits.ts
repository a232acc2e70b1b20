const KIB = 1024
const MIB = 1024 * KIB

// Channels

/** Whole frames that wait to be received before the channel stops reading. Two slices, so that a receiver finds the next one there. */
export const RECEIVE_BUFFER_BYTES = 512 * KIB
/**
 * Largest window a stream may grow to, which is also what a stalled reader can be made to hold twice over:
 * once in the stream and once in the channel. 4 MiB carry 40 MiB/s over 100 ms of round trip, and bulk has four channels.
 */
export const STREAM_WINDOW_BYTES_MAX = 4 * MIB
/**
 * A paused stream is reset when it holds more than this. Pausing stops window updates and not what is under way,
 * so it must exceed the window; the window is what bounds memory.
 */
export const STREAM_READ_BUFFER_BYTES_MAX = 2 * STREAM_WINDOW_BYTES_MAX

// Connections

/** Node's buffer of each socket: at the default of 64 KiB every message of a cipher waits for a drain of its own. */
export const SOCKET_BUFFER_BYTES = MIB
/** Peers connected at once. A region's cache serves tens; a stalled one costs some MiB of windows. */
export const CONNECTIONS_MAX = 256
/** Streams one peer may hold open on a connection: five channels, gossip, identify and ping, and room for what is being closed. */
export const STREAMS_PER_CONNECTION_MAX = 64
/** New connections a second from one host. Many nodes share an address behind NAT and on one machine; the default of 5 refuses them. */
export const CONNECTIONS_PER_HOST_PER_SECOND_MAX = 50
/**
 * Handshakes under way with peers that dialled us, as many as may be connected: those of a crowd that starts at once are slow together, and
 * whoever is turned away begins anew. Each costs about a millisecond of arithmetic, and a socket.
 */
export const HANDSHAKES_MAX = 256
/**
 * A dial that has not produced an authenticated connection by then counts as failed, and a handshake that a peer began is given up.
 * 64 nodes that start at once on one machine of two cores take 10 s for most handshakes, over 20 s for some, and those that fail are made anew.
 */
export const DIAL_TIMEOUT_MS = 60_000
/** Time a new connection has to be identified. Longer than a dial: it shares a slow link with what is already being sent. */
export const IDENTIFY_TIMEOUT_MS = 20_000
/** Time to agree with a connected peer on a new channel's protocol: two messages, which may wait behind blocks on a slow link. */
export const OPEN_TIMEOUT_MS = 60_000
/** Peers found on the local network are dialled while fewer than this are connected; a bigger swarm needs no more strangers. */
export const DISCOVERED_PEERS_MAX = 32
/** How often a silent connection is checked. */
export const PING_INTERVAL_MS = 20_000
/** A ping waits behind megabytes of blocks on a slow link, so only a long silence means that the peer is gone. */
export const PING_TIMEOUT_MS = 60_000
/** Bans remembered at once: an identity costs nothing to make, 100 bytes each keeps the list near 1 MiB. */
export const BANS_MAX = 10_000

// Gossip

/** One publication. Announcements stay under 1 KiB; the rest is room for a timestamp with many signatures. */
export const GOSSIP_MESSAGE_BYTES_MAX = 64 * KIB
/** One remote call of gossipsub, which may carry several messages. */
export const GOSSIP_RPC_BYTES_MAX = MIB
/** Gossip that waits for one peer before its gossip stream is given up. */
export const GOSSIP_QUEUE_BYTES_MAX = MIB
/** Memory for the topics that one peer says it listens to: about 60 topics. */
export const GOSSIP_TOPIC_BYTES_PER_PEER_MAX = 64 * KIB
/** Sustained gossip from one peer: 250 announcements a second. More is not read until its time has come. */
export const GOSSIP_BYTES_PER_SECOND_MAX = 256 * KIB
/** Gossip from one peer that may arrive at once. */
export const GOSSIP_BURST_BYTES_MAX = MIB
/** How long a publication is remembered, so that its copies from other peers are recognised. Two minutes outlive any relay. */
export const GOSSIP_SEEN_MS = 120_000

// Dialling

/** Wait before the second dial of a configured peer: shorter than a person notices, long enough not to spin. */
export const REDIAL_MS_MIN = 250
/** Longest wait between dials: a peer that was away for a day is back within half a minute of returning. */
export const REDIAL_MS_MAX = 30_000
