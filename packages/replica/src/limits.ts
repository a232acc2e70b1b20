import { COMMITTEES_NAMED_MAX, SEATS_MAX } from '@cairn/ledger'

/** Messages that wait for one peer and class. What is lost is said again when nothing moves, so a peer that does not read costs only this. */
export const QUEUE_MESSAGES_MAX = 1024
/** Bytes that wait for one peer and class: some blocks. */
export const QUEUE_BYTES_MAX = 16 * 1024 * 1024
/** Final blocks in one answer to a peer that catches up. */
export const SERVED_BLOCKS_MAX = 64
/** Headers and certificates kept until their block is applied: what is certified and not final stays below this, or leaders slow down. */
export const UNAPPLIED_MAX = 4096
/**
 * Heights between checkpoints: some seconds of a busy ledger. The state is synced for each, and the log behind it forgotten, so this is also what
 * a restart reads at most, twice over.
 */
export const CHECKPOINT_HEIGHTS = 256
/**
 * Heights behind the newest certified checkpoint whose blocks are kept for those who are late, and heights whose state can be read: a client's
 * reads of a moment ago and its proofs under the last checkpoint lag by less. With blocks of 1 MiB it is 1 GiB, and half an hour of an idle
 * ledger. Who is later than that fetches a state.
 */
export const HEIGHTS_KEPT = 1024
/** Blocks forgotten at one checkpoint: more than come between two, so that what was held back is caught up with, in short pauses. */
export const FORGOTTEN_BLOCKS_MAX = 1024
/**
 * Words for next committees that are remembered until the epoch ends, the newest: those of all seats and all that join, for twice as many
 * committees as a seat votes for of its own accord while their blocks are open.
 */
export const READIES_MAX = 2 * COMMITTEES_NAMED_MAX * 2 * SEATS_MAX
/** After this what is missing of an epoch's record is asked for again: nothing waits for it but light clients. */
export const EPOCH_RETRY_MS = 1000
/** Clients that wait for what became of their operations. */
export const WAITING_MAX = 65_536
/** Readers that wait until what is applied here is fresh: they cost a closure each, and all of them one round of messages. */
export const READS_WAITING_MAX = 16_384
/** Operations of clients and leaders whose signatures wait to be checked: about a second of one thread, at 59 µs each. Further ones come back. */
export const UNCHECKED_MAX = 16_384
/** Signatures that a thread is handed at once: 15 ms of work, so a vote's operations wait no longer than that. */
export const CHECKED_AT_ONCE = 256
/** Threads that check signatures; beside them run consensus, the disk and the network. */
export const CHECKING_THREADS_MAX = 2
/** Good signatures remembered: an operation comes with its client, with its forwarder, and in its block. 300 bytes each. */
export const GOOD_SIGNATURES_MAX = 16_384
/**
 * Final blocks, and bytes of their pages, after which they go into the state's file. Pages that several of them change are written once; a flush
 * takes 15 µs for each page while nothing else is done, so no more than some tens of milliseconds.
 */
export const FLUSH_BLOCKS = 64
export const FLUSH_BYTES = 4 * 1024 * 1024
/** A final block is in the file after this, however few follow it. */
export const FLUSH_MS = 250
/** Operations in one message to a leader: as many as it takes from one. */
export const FORWARDED_TOGETHER_MAX = 256
