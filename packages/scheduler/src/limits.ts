/** Request window of a peer that nothing is known of: what a slow one is given before it is known to be slow. It doubles each round trip while answers come at once. */
export const PEER_WINDOW_BYTES_START = 256 * 1024
/** Smallest request window of a peer; one chunk may exceed it. */
export const PEER_WINDOW_BYTES_MIN = 64 * 1024
/** A window is not made smaller than what the peer gives in this time, up to {@link PEER_WINDOW_BYTES_FLOOR}: some chunks in flight ride out a busy moment. */
export const PEER_WINDOW_FLOOR_MS = 250
/** Above 4 MiB/s the path alone decides. */
export const PEER_WINDOW_BYTES_FLOOR = 1024 * 1024
/** Largest request window of a peer, the bound of its share of memory here. */
export const PEER_WINDOW_BYTES_MAX = 16 * 1024 * 1024
/** Bytes asked for and not yet delivered, all peers together: with plain and framed copies alive at once it bounds a download's memory. */
export const TOTAL_WINDOW_BYTES_MAX = 32 * 1024 * 1024
/**
 * Bytes received and not yet placed, all peers together, above which nothing more is asked for: enough to keep the placing
 * thread busy with chunks of any profile, and all that a slow disk or a cold start may pile up here to be lost with the process.
 */
export const UNPLACED_BYTES_MAX = 2 * 1024 * 1024
/**
 * Beyond the round trip, a window holds what the peer delivers in this time: enough to ride out a busy event loop at either end.
 * More would not be faster, and all of it is lost and sent again when the process is killed.
 */
export const WINDOW_SLACK_MS = 10
/** On a long path half of its round trip instead, up to this: the window can then grow by half in each measurement. */
export const WINDOW_SLACK_MS_MAX = 100
/** The rate of a peer is measured over so many of its shortest response times: a window that has grown shows in it soon. */
export const RATE_ROUND_TRIPS = 2
/** But over no less than this: chunks arrive in bursts. */
export const RATE_SPAN_MS_MIN = 300
/** And no more than this. */
export const RATE_SPAN_MS = 1_000
/** Bytes of one request. */
export const REQUEST_BYTES_MAX = 4 * 1024 * 1024
/** A chunk that has not come after this time is asked of somebody else. */
export const REQUEST_DEADLINE_MS = 10_000
/** So many sources that have everything, and answer, make up for one that asks to be the last resort. */
export const COMPLETE_SOURCES_ENOUGH = 3
/** Silence of every peer that is called a stall. */
export const STALL_AFTER_MS = 3_000
/** How long a peer that has answered nothing yet is expected to take, before its chunks are asked of another one too. */
export const RESPONSE_MS_UNKNOWN = 500
/** No answer is overdue sooner than this, however steady a peer was: TCP's least timeout, and two of our ticks. */
export const RESPONSE_MS_MIN = 200
/** A peer's rate forgets half of what it knew in this much busy time. */
export const PACE_HALF_LIFE_MS = 2_000
/** Peers one chunk may be asked of at once. */
export const PEERS_PER_CHUNK_MAX = 2
/**
 * A peer that sent before, and for this long sends nothing of what it was asked for, has stalled, if that is unusual for it. With ticks
 * of 100 ms it is noticed within a second.
 */
export const STALLED_AFTER_MS = 900
/** A request that is out for this long holds the download up, if its peer is much slower than the others. */
export const HELD_MS_MAX = 1_000
/** Half of that for a chunk that somebody waits for. */
export const HELD_MS_MAX_URGENT = 500
/** A peer that gives less than this part of what the others give on average is not worth waiting for. */
export const SLOW_SHARE = 1 / 16
/** How long a dropped peer is left alone the first time; twice as long each further time. */
export const DROPPED_MS = 5_000
export const DROPPED_MS_MAX = 300_000
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
/**
 * A delta of at most this part of its chunk is worth waiting for, since frames take about half of theirs. Larger ones are taken where they
 * happen to come from.
 */
export const OFFER_SHARE_MAX = 1 / 4
/** Deltas are waited for as long as all that are offered will have come within this time: the join is late by no more, and others' uplinks are spared. */
export const OFFER_HORIZON_MS = 5_000
/** Chunks that a source does not offer and that are passed over in search for one that it does. */
export const OFFERS_PASSED_OVER_MAX = 64
/** Share of the snapshot that may be asked for twice. */
export const DUPLICATE_SHARE_MAX = 0.01
/** A bounded rate may be saved up for this long: ticks are 100 ms apart, and a burst of more would not be a rate. */
export const RATE_BURST_MS = 250
/** A tick that comes later than this means that the event loop does not keep up. */
export const HOST_LATE_MS_MAX = 200
/** A chunk that has arrived and lies nowhere after this time means that the disk does not keep up; a barrier alone takes less. */
export const UNPLACED_MS_MAX = 1_000
/**
 * While the host does not keep up, the common window shrinks no further: with 24 sources, each of which answers as late as this host does, 2 MiB
 * made those the last that had the most sources.
 */
export const SLOWED_WINDOW_BYTES_MIN = 8 * 1024 * 1024
