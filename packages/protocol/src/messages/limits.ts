import { CHUNKS_MAX, METADATA_BYTES_MAX, SLICE_BYTES_MAX } from '../limits.ts'

/** Type, id, position, offset and total: what precedes the slice in a `data` message. */
export const DATA_HEADER_BYTES = 14
/** The largest exchange message is a `data` with a full slice; a `want` of 64 chunks takes 2,314 bytes. */
export const EXCHANGE_FRAME_BYTES_MAX = DATA_HEADER_BYTES + SLICE_BYTES_MAX
/** Snapshots of which a requester says that it has them: a node keeps few versions, and a server looks through all of them for each chunk. */
export const BASIS_SNAPSHOTS_MAX = 4
/** The longest a requester may let a request stay open: after ten minutes any server has answered or is gone. */
export const DEADLINE_MS_MAX = 600_000
/** The longest wait a peer may ask for; the same ten minutes. */
export const RETRY_AFTER_MS_MAX = 600_000

/** An encoded bitmap of the largest snapshot: a kind byte and 2 MiB of raw bits, when no run lengths are shorter. */
export const BITMAP_BYTES_MAX = 1 + CHUNKS_MAX / 8
/** Sizes of the deltas between two snapshots, 2 to 5 bytes each: some 500,000 changed chunks. Of more there is no list, only the deltas. */
export const DELTA_SIZES_BYTES_MAX = 2 * 1024 * 1024
/** The largest control message carries one bitmap, one list of sizes or one metadata file; 1 KiB is ample for the fields around it. */
export const CONTROL_FRAME_BYTES_MAX = Math.max(BITMAP_BYTES_MAX, DELTA_SIZES_BYTES_MAX, METADATA_BYTES_MAX) + 1024
/** Chunks in one `have-update`: at most 5 KiB, sent at most a few times a second. */
export const HAVE_UPDATE_CHUNKS_MAX = 1024
/** Addresses in one `peers-reply`: enough to find a swarm, too few to flood a stranger with dials. */
export const PEER_ADDRESSES_MAX = 32
/** A multiaddr with a DNS name of 100 characters, a relay hop and two peer ids stays below this. */
export const ADDRESS_BYTES_MAX = 256

/** A `timestamp.json` is about 1 KiB; TUF's reference client stops at the same 16 KiB. */
export const TIMESTAMP_BYTES_MAX = 16 * 1024
/** A heads announcement: the timestamp and at most a ledger name around it. */
export const HEADS_BYTES_MAX = TIMESTAMP_BYTES_MAX + 256
/** Bits of an announced coarse bitmap: its 256 bytes leave room for addresses within one availability announcement. */
export const COARSE_BITS_MAX = 2048
/** Addresses in one availability announcement. */
export const ANNOUNCED_ADDRESSES_MAX = 4
/** Four of these and a coarse bitmap fit an availability announcement in every case. */
export const ANNOUNCED_ADDRESS_BYTES_MAX = 128
/** How far ahead of ours the clock of an honest announcer may run. */
export const CLOCK_SKEW_MS_MAX = 30_000
/** How busy a peer can say it is: percent of its uplink. */
export const LOAD_MAX = 100
