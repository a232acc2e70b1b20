const DAY_MS = 24 * 60 * 60 * 1000

/** How long signed metadata holds: the rarer a key is used, the longer its signature must last. */
export const ROOT_VALID_MS = 365 * DAY_MS
export const TARGETS_VALID_MS = 365 * DAY_MS
export const LEDGER_VALID_MS = 365 * DAY_MS
export const SNAPSHOT_VALID_MS = 30 * DAY_MS
/** The freeze window: how long a source can hide a newer release from someone it has cut off. */
export const TIMESTAMP_VALID_MS = DAY_MS
/** A running origin signs a new timestamp when this much of its time is left. */
export const TIMESTAMP_RENEW_MS = TIMESTAMP_VALID_MS / 2
/** How often a running origin looks whether something was published or the timestamp grows old. */
export const WATCH_INTERVAL_MS = 500
/** Bytes of files read and not yet stored: the memory that a publication takes whatever the size of its input. */
export const INGEST_BYTES_MAX = 32 * 1024 * 1024
/** Bytes read at a time; holds two of the largest chunks. */
export const READ_BYTES = 8 * 1024 * 1024
/** How long a publisher waits for another process to finish signing, and how often it looks. */
export const LOCK_PATIENCE_MS = 10_000
export const LOCK_RETRY_MS = 20
