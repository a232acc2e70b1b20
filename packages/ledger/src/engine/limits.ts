/** Slots ahead of its own for which a seat keeps votes: a quorum further ahead has certificates, which are fetched instead. */
export const SLOTS_AHEAD_MAX = 16

/**
 * Open slots behind its own in which a seat still casts votes (rule R8). All slots behind have a certificate, so older ones can only
 * turn a notarised block into a final one, and any later final block does that too.
 */
export const STALE_SLOTS_MAX = 64

/** Headers kept of one slot's leader unasked: one is the rule, two are the evidence. More are kept only if votes ask for them. */
export const PROPOSALS_KEPT_MAX = 2

/** Blocks and payloads asked for at once. */
export const WANTS_MAX = 128

/** Times that everyone is asked for something before it is given up. */
export const ROUNDS_MAX = 4

/** Payloads kept that no known header names: they may run ahead of their header. */
export const PAYLOADS_UNCLAIMED_MAX = 8

/** Final blocks kept for those who catch up; older ones are served from the log. 1,024 headers with certificates are about 1 MB. */
export const HISTORY_BLOCKS_MAX = 1024

/** Final blocks whose operations stay in memory. */
export const HISTORY_PAYLOADS_MAX = 64

/** Final blocks in one answer, and how far it is stretched to end in a block that a certificate makes final by itself. */
export const BATCH_BLOCKS = 16
export const BATCH_BLOCKS_MAX = 64

/** Final blocks ahead of the applied one whose operations are asked for: 16 MiB at most. */
export const PAYLOADS_AHEAD_MAX = 16

/** Final blocks that may wait for their operations before further ones are asked for: eight answers, half of what is kept in memory. */
export const UNAPPLIED_AHEAD_MAX = 512

/** Certificates of open slots in one answer. */
export const BATCH_SLOTS_MAX = 64

/** Items looked at in one answer: those, and what ends an epoch in between. */
export const BATCH_ITEMS_MAX = 512

/** Operations and bytes that wait to be proposed: some seconds of full blocks. Beyond it clients are told when to come back. */
export const POOL_OPERATIONS_MAX = 16_384
export const POOL_BYTES_MAX = 8 * 1024 * 1024

/** Operation ids remembered after they became final, so that a client that asks again is not queued again. */
export const RECENT_OPERATIONS_MAX = 65_536

/** Operations in one message to the leader. */
export const FORWARD_OPERATIONS_MAX = 256

/** State roots remembered by height, to check what leaders attest. */
export const STATE_ROOTS_MAX = 256

/** Open slots whose own votes are sent again when nothing moves: the oldest and the newest of them. */
export const RESEND_SLOTS_MAX = 8

/** With more certified blocks than this that are not final, leaders slow down: a network on which nothing becomes final must not fill memory at its own speed. */
export const PACED_BLOCKS = 64

/**
 * For this part of the time that a leader has, it waits for its certified block to become final before it puts an empty one on top: long
 * enough for votes that are on their way, and short enough to be heard in time.
 */
export const LINGER_SHARE = 4

/**
 * With fewer operations than this a leader waits a moment for its certified block to become final: where votes take a millisecond that makes one
 * block of two, and where they take many it costs little.
 */
export const BATCH_OPERATIONS = 256

/** Payloads up to this leave with their header: at 1 Gbit/s half a millisecond, about what the header waits for its sync. */
export const TOGETHER_BYTES_MAX = 64 * 1024

/**
 * Votes that are on their way are waited for as long as the ones before them took, within these bounds. Seats of one region vote within some
 * milliseconds of each other, unless their machines are busy; where they are far, 25 ms are little.
 */
export const PATIENCE_MS_MIN = 5
export const PATIENCE_MS_MAX = 25

/** Slots that do without a held final vote after one was held in vain: where a seat is away, a wait in 257 blocks is nothing. */
export const HOLD_PAUSE_SLOTS_MIN = 4
export const HOLD_PAUSE_SLOTS_MAX = 256

/** Operations are gathered this long after a final block at most: little beside what a block takes where seats are far from each other. */
export const GATHER_MS_MAX = 25

/** Leader timeouts double at most this often while nothing becomes final, stalls likewise. */
export const BACKOFF_DOUBLINGS_MAX = 6

/** Endings of epochs remembered, for those who are still in them. */
export const CLOSINGS_MAX = 16

/** Next committees that open blocks name and that a seat votes for of its own accord: a final block makes room for others. */
export const COMMITTEES_NAMED_MAX = 8
