/** How often a cache asks for metadata when nobody has announced any: a lost announcement delays a release by this much. */
export const REFRESH_INTERVAL_MS = 30_000
/** How long a manifest page may be nowhere to be had before other snapshots get their turn. */
export const MANIFEST_PATIENCE_MS = 30_000
/** How long a download may make no progress before other snapshots get their turn; what arrived is kept. */
export const DOWNLOAD_PATIENCE_MS = 60_000
/** A snapshot that could not be mirrored is tried again after the least, and after each further failure twice as long, up to the most. */
export const RETRY_MS_MIN = 5_000
export const RETRY_MS_MAX = 10 * 60_000
/** Versions pinned per ledger and channel: 2 leaves a way back when a release is withdrawn. */
export const VERSIONS_PINNED = 2
/** Part of the capacity that deltas may take: an update is some hundredths of its snapshot, and there are few that nodes still come from. */
export const DELTAS_SHARE_MAX = 1 / 8
