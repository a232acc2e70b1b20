/** How often a joining node asks its peers for metadata until one has what verifies. */
export const REFRESH_INTERVAL_MS = 200
/** After every connected peer's metadata was refused, how long others get to connect before the join gives up. */
export const REFUSED_GRACE_MS = 3_000
