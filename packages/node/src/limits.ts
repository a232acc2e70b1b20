import { BASIS_SNAPSHOTS_MAX } from '@cairn/protocol'

/**
 * Peers of a node at once; it looks for a third as many. Whoever is announced first would be dialled by everybody who starts at the same time, and
 * serve them all while it has nothing itself. Those that are turned away, before any handshake, dial others.
 */
export const CONNECTIONS_MAX = 24
/** How often a joining node looks whether a first peer is there: well below what its start takes. */
export const CONNECT_INTERVAL_MS = 10
/** How often a joining node asks its peers for metadata until one has what verifies. */
export const REFRESH_INTERVAL_MS = 200
/** How often one join goes back to its last committed stage because files were replaced: whoever does that does not stop by itself. */
export const ROLLBACKS_MAX = 3
/** After every connected peer's metadata was refused, how long others get to connect before the join gives up. */
export const REFUSED_GRACE_MS = 3_000
/** How often a following node asks for metadata when nobody has announced any: a lost announcement delays a version by this much. */
export const HEADS_INTERVAL_MS = 30_000
/** How often a following node looks at its directory when nothing happens: somebody may have ended a hold. */
export const FOLLOW_IDLE_MS = 5_000
/** What failed is tried again after this long, twice as long each time up to the other: a disk that is full does not empty itself. */
export const FOLLOW_RETRY_MS_MIN = 1_000
export const FOLLOW_RETRY_MS_MAX = 60_000
/**
 * A join waits for sources to make deltas as long as fetching the same chunks whole would take at this rate, a line of 200 Mbit/s: what
 * waiting can cost is bounded by what it can save. Deltas of 260 MB take 3 to 7 s to make.
 */
export const DELTAS_WAIT_BYTES_PER_MS = 25_000
/** And no longer than this: a source that takes more has others to serve before. */
export const DELTAS_WAIT_MS_MAX = 30_000
/** Snapshots that are named to sources as being here whole: as many as an exchange takes. */
export const BASIS_MAX = BASIS_SNAPSHOTS_MAX
/** Deltas that a following node keeps to hand them on: an update of 4 GiB takes about as much, and what is more goes out whole. */
export const DELTAS_BYTES_MAX = 256 * 1024 * 1024
