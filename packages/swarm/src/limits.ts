import type { ServingLimits } from './exchange/serving-queue.ts'

const MIB = 1024 * 1024

/** How blocks are shared among those who ask for them. */
export const SERVING_LIMITS: ServingLimits = {
  // Seven of the largest blocks being read, or the blocks of 100 peers on their way; what the sockets hold comes on top.
  bytesMax: 32 * MIB,
  // Some blocks of the usual size, so that one is read while another is sent. A larger block goes alone.
  peerBytesMax: MIB,
  peerTurnsMax: 8,
  // One block of the usual size: finer would not be fairer, and with 64 peers a round is 16 MiB, a second of a narrow uplink.
  quantumBytes: MIB / 4,
  // Manifest and bootstrap stage of most ledgers: with these a node starts, and has something to give.
  newcomerBytes: 4 * MIB,
  // Sixty newcomers in a row delay the others by a third.
  newcomerShare: 1 / 4,
  // An honest peer asks for at most 16 MiB at once, 1,024 of the smallest chunks; room for as much again that it has given up on.
  peerQueuedMax: 2048,
  // 128 blocks for each of 256 peers; 400 bytes each make 13 MiB.
  queuedMax: 32_768,
}
/** Bytes of frames kept as they came while others fetch the same: a third of a second of a fast origin, a few of a slow one. */
export const RECENT_FRAMES_BYTES_MAX = 8 * 1024 * 1024
/** A peer that takes no byte for this long gives back what was read for it, and goes first when memory is short. 256 KiB take as long at 50 KiB/s. */
export const SERVING_SLOW_MS = 5_000
/** A peer that takes no byte for this long is not reading: its channel is closed and its memory freed. */
export const SERVING_STALL_MS = 30_000
/** How often the channels that wait for their peers are looked at, and the load is told. */
export const SERVING_TICK_MS = 1_000
/** Answers awaited from one peer on its control channel. */
export const CONTROL_REQUESTS_MAX = 32
/** A control request without an answer after this time has failed. */
export const CONTROL_DEADLINE_MS = 10_000
/** How often peers that are preparing deltas are asked whether they are done. */
export const DELTAS_POLL_MS = 250
/**
 * How long one peer's offer of deltas is waited for before it counts as none. A loaded origin answers within a second, or some where it begins
 * to make others for millions of chunks; chunks are copied meanwhile; but nothing is fetched before the plan is made, and a peer that says nothing must not keep it for longer than that.
 */
export const DELTAS_ANSWER_MS = 5_000
/** Snapshots one peer may subscribe to. */
export const SUBSCRIPTIONS_PER_PEER_MAX = 16
/** How often newly placed chunks are told to subscribers. */
export const HAVE_UPDATE_INTERVAL_MS = 100
/** How often a download looks for expired requests and stalls. */
export const TICK_MS = 100
/** Availability is announced this often while nothing changes; less than half of its time to live, so one lost message costs nothing. */
export const ANNOUNCE_INTERVAL_MS = 45_000
/** Never more often than this, whatever changes. */
export const ANNOUNCE_INTERVAL_MS_MIN = 10_000
/** How soon a download asks its peers for further peers again; twice as long each time, since nodes that start together meet at the start. */
export const DISCOVERY_INTERVAL_MS_MIN = 200
/** How often it asks in the long run. */
export const DISCOVERY_INTERVAL_MS = 2_000
/**
 * A download looks for no further peers while so many are connected, whoever dialled. Each costs a handshake and a message for each chunk
 * that it gains: of 64 that start together on two cores the median took 136 s with 16, and 53 to 93 s with 8.
 */
export const DISCOVERY_PEERS_ENOUGH = 8
/** Of these, so many are ones that it dialled itself. */
export const DISCOVERED_PEERS_MIN = 4
/** Peers asked for further ones each time. */
export const DISCOVERY_ASKED_MAX = 4
/** Announcements remembered, all snapshots together; the oldest make room. */
export const NEIGHBOURS_MAX = 1024
/** Manifest pages asked for at once. */
export const PAGES_IN_FLIGHT_MAX = 64
/** How long one peer may take to send a manifest page before its request is taken back. */
export const PAGE_DEADLINE_MS = 10_000
/** How long one may take before the next is asked too: at 1 Mbit/s, a page of the usual size. */
export const PAGE_OVERDUE_MS = 300
/** Peers that one page is asked of at once; pages are small, and a join can do nothing without them. */
export const PAGE_PEERS_MAX = 3
