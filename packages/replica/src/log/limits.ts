const MIB = 1024 * 1024

/** A segment of the log. It is written as zeros and synced before it is used, and pruned as a whole: large enough to be begun rarely, small enough to be forgotten soon. */
export const SEGMENT_BYTES = 16 * MIB
/** One entry: a block's payload of 1 MiB, and its header. */
export const ENTRY_BYTES_MAX = 2 * MIB
/** What one record, so one sync, takes at once: more waits for the next, and nobody waits longer than some milliseconds of writing. */
export const GROUP_BYTES_MAX = 4 * MIB
/** Entries that wait for the disk. Whoever appends waits for them to be durable, so this is reached only if nobody does. */
export const PENDING_ENTRIES_MAX = 65_536
/** What nobody waits for is on disk after this at the latest. */
export const LAZY_MS = 20
/** Slots after which a payload that no block named is not waited for any more. */
export const UNCLAIMED_SLOTS_MAX = 128
