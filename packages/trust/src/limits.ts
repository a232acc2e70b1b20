/** Successors of one root that a refresh follows; a chain grows by one a rotation, so this is decades of them. */
export const ROOT_STEPS_MAX = 64
/** Keys of one role, and so also its signatures; a root hands over between two such sets. */
export const ROLE_KEYS_MAX = 32
/** Signatures of one file. */
export const SIGNATURES_MAX = 2 * ROLE_KEYS_MAX
/** Keys that one root or targets file names. */
export const KEYS_MAX = 512
/** Ledgers under one root. */
export const LEDGERS_MAX = 256
/**
 * Releases of one ledger: an hourly snapshot for six weeks, a daily one for almost three years.
 * `@tufjs/models` copies its map once per target, so a reader's cost is the square of this: 0.1 s here, 3 s at 4096.
 */
export const RELEASES_MAX = 1024
/** Channels that point at one release. */
export const CHANNELS_MAX = 16
/** Nesting of metadata; ours is 7 deep. Bounds recursion on what an attacker sends. */
export const JSON_DEPTH_MAX = 16
