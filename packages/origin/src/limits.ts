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
/** Threads of a publication, where there are as many cores: each takes some 22 MiB, and with four the process passed 200. */
export const INGEST_THREADS_MAX = 3
/** Files that a thread is handed at a time, however small they are. */
export const INGEST_FILES_MAX = 256
/** Bytes of frames that a thread gathers before it writes them. */
export const WRITE_BYTES = 1024 * 1024
/** A pack that has grown to this is sealed: it goes to the disk while the next one is filled, and its room can be had back. */
export const PACK_BYTES = 32 * 1024 * 1024
/** Bytes that a thread reads and cuts at a time: enough to make the hand-over cheap, and two of the largest chunks. */
export function readBytesOf({ bytesMax }: { readonly bytesMax: number }): number {
  return Math.max(4 * 1024 * 1024, 2 * bytesMax)
}
/** Parts of a directory that profiles are compared on, spread over all files, and how long each is: four average chunks of the largest profile. */
export const SAMPLE_WINDOWS = 8
export const SAMPLE_WINDOW_BYTES = 4 * 1024 * 1024
/** Bytes of the parent that they are compared with: what is near, and as much beside it. */
export const SAMPLE_PARENT_BYTES_MAX = 2 * SAMPLE_WINDOWS * SAMPLE_WINDOW_BYTES
/** Releases of a ledger from which deltas to a new one are made when it is published: who follows is rarely further behind. */
export const DELTA_RELEASES = 4
/** Threads that make deltas, where there are as many cores: each holds a chunk, old ones, a dictionary and zstd's tables. */
export const DELTA_THREADS_MAX = 3
/** Chunks beside each other that a thread makes deltas of before another takes over: most of what they are made from is the same. */
export const DELTA_CHUNKS_IN_TURN = 16
/**
 * Old chunks that are read to find what one new chunk is made from. Where much more was removed than added, as when a ledger forgets its past,
 * only files that have something new are looked through, and no more of them than this.
 */
export const DELTA_SCANNED_PER_ADDED = 64
/** Plain old chunks that a thread keeps for the next delta: some thirty of the usual size. */
export const KEPT_BASES_BYTES_MAX = 8 * 1024 * 1024
/** Threads that make deltas while an origin serves: whoever asked waits for them. Serving itself is the main thread's, and mostly the network's. */
export const DELTA_JOB_THREADS = 2
/** A delta is worth having if it takes at most this part of the chunk's frame: its bases have to be read by everybody who uses it. */
export const DELTA_PART_MAX = 0.9
/** Deltas kept on disk: those of four releases of a ledger of a terabyte that changes by some percent each time. */
export const DELTAS_BYTES_MAX = 64 * 1024 ** 3
/** Pairs of snapshots that wait for their deltas to be made on request; who asks beyond that is told that there are none, and fetches chunks. */
export const DELTA_JOBS_MAX = 16
/** How long a pair that was found to have no deltas is not tried again. */
export const DELTA_RETRY_MS = 10 * 60_000
/** How long a publisher waits for another process to finish signing, and how often it looks. */
export const LOCK_PATIENCE_MS = 10_000
export const LOCK_RETRY_MS = 20
