/** Blocks that one channel may have asked for and not got: sixteen full requests, a 16 MiB window of 16 KiB chunks. Beyond it we stop reading. */
export const BLOCKS_QUEUED_PER_CHANNEL_MAX = 1024
/** Bytes of frames kept as they came while others fetch the same: a third of a second of a fast origin, a few of a slow one. */
export const RECENT_FRAMES_BYTES_MAX = 8 * 1024 * 1024
/** Bytes of frames loaded to be served, all peers together. */
export const SERVING_BYTES_MAX = 64 * 1024 * 1024
/** A peer that takes no byte for this long is not reading: its channel is closed and its memory freed. */
export const SERVING_STALL_MS = 30_000
/** Answers awaited from one peer on its control channel. */
export const CONTROL_REQUESTS_MAX = 32
/** A control request without an answer after this time has failed. */
export const CONTROL_DEADLINE_MS = 10_000
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
/** Peers a download connects to on its own account, beside the configured ones. */
export const DISCOVERED_PEERS_MAX = 16
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
