/** How often a joining node looks whether a first peer is there: well below what its start takes. */
export const CONNECT_INTERVAL_MS = 10
/** How often a joining node asks its peers for metadata until one has what verifies. */
export const REFRESH_INTERVAL_MS = 200
/** How often one join goes back to its last committed stage because files were replaced: whoever does that does not stop by itself. */
export const ROLLBACKS_MAX = 3
/** After every connected peer's metadata was refused, how long others get to connect before the join gives up. */
export const REFUSED_GRACE_MS = 3_000
