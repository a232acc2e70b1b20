/** Smallest request window of a peer: a few chunks in flight hide the round trip even to a slow one. */
export const PEER_WINDOW_BYTES_MIN = 1024 * 1024
/** Largest request window of a peer, the bound of its share of memory here. */
export const PEER_WINDOW_BYTES_MAX = 16 * 1024 * 1024
/** Bytes asked for and not yet delivered, all peers together: with plain and framed copies alive at once it bounds a download's memory. */
export const TOTAL_WINDOW_BYTES_MAX = 32 * 1024 * 1024
/**
 * Bytes received and not yet placed, all peers together, above which nothing more is asked for: enough to keep four threads busy
 * with chunks of any profile, and all that a slow disk or a cold start may pile up here to be lost with the process.
 */
export const UNPLACED_BYTES_MAX = 4 * 1024 * 1024
/**
 * Beyond the round trip, a window holds what the peer delivers in this time: enough to ride out a busy event loop at either end.
 * More would not be faster, and all of it is lost and sent again when the process is killed.
 */
export const WINDOW_SLACK_MS = 10
/** The rate of a peer is measured over this time. */
export const RATE_SPAN_MS = 1_000
/** Bytes of one request. */
export const REQUEST_BYTES_MAX = 4 * 1024 * 1024
/** A chunk that has not come after this time is asked of somebody else. */
export const REQUEST_DEADLINE_MS = 10_000
/** Silence of every peer that is called a stall. */
export const STALL_AFTER_MS = 3_000
/** In the end-game a chunk is asked of a second peer once it has been out this long. */
export const ENDGAME_AFTER_MS = 500
/** Peers one chunk may be asked of at once, in the end-game only. */
export const ENDGAME_PEERS_MAX = 2
/** Rounds of bad chunks from the last source left, with a pause after each, before the download gives up: it is either hostile or broken. */
export const BAD_CHUNKS_OF_LAST_SOURCE_MAX = 3
/** Refusals of one peer in a row before it is left alone for {@link REFUSED_PAUSE_MS}. */
export const REFUSALS_IN_A_ROW_MAX = 8
export const REFUSED_PAUSE_MS = 2_000
/** Chunks of one request: the exchange protocol's bound. */
export const REQUEST_CHUNKS_MAX = 64
/** A peer that fetches the same and gains nothing for this long has its share taken over by the others. */
export const SHARE_PATIENCE_MS = 1_000
/** Peers that what is missing is divided among, ourselves not counted: beyond this, shares are small enough. */
export const SHARERS_MAX = 31
/** What another peer will have of its share within this time, at its pace so far, is left to it: fetching it from the origin too would be for nothing. */
export const SHARE_HORIZON_MS = 2_000
/** Share of the snapshot that the end-game may ask for twice. */
export const DUPLICATE_SHARE_MAX = 0.01
/** A bounded rate may be saved up for this long: ticks are 100 ms apart, and a burst of more would not be a rate. */
export const RATE_BURST_MS = 250
/** A tick that comes later than this means that the event loop does not keep up. */
export const HOST_LATE_MS_MAX = 200
/** A chunk that has arrived and lies nowhere after this time means that the disk does not keep up; a barrier alone takes less. */
export const UNPLACED_MS_MAX = 1_000
/** While the host does not keep up, the common window shrinks no further: some requests hide the round trip. */
export const SLOWED_WINDOW_BYTES_MIN = 2 * 1024 * 1024
