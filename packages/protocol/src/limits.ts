/** Largest plain chunk of any profile; `bulk` cuts at 4 MiB. */
export const CHUNK_BYTES_MAX = 4 * 1024 * 1024
/** One encoding byte before the payload; an encoder falls back to plain, so a frame never outgrows this. */
export const FRAME_BYTES_MAX = CHUNK_BYTES_MAX + 1
/** Chunks that one delta may be made from. Chunks of an LMDB file of shuffled pages come from 13 on average, of a compacted LevelDB table from 11. */
export const DELTA_BASES_MAX = 64
/** Plain bytes of the bases of one delta: 64 usual chunks twice the average long. Who keeps chunks as frames inflates all of them for one. */
export const DELTA_BASES_BYTES_MAX = 32 * 1024 * 1024
/** Parts of bases that make up a dictionary: four for each base, 7 bytes each. */
export const DELTA_PIECES_MAX = 256
/** Plain bytes of the parts together: two of the largest chunks. A receiver holds them once. */
export const DELTA_DICTIONARY_BYTES_MAX = 2 * CHUNK_BYTES_MAX
/** A gear hash is sampled where its top bits are zero: one of 512 places, so that an average chunk of the smallest profile has 128. */
export const SAMPLE_BITS = 9
/** Values of a sketch, 4 bytes each. Chosen when sketches still found the bases of deltas: with 12 those took 7 % more bytes, with 24 4 % less. */
export const SKETCH_VALUES = 16
/** A manifest page or root: small enough to be fetched and decoded in one piece by anyone. */
export const PAGE_BYTES_MAX = 64 * 1024
/** Index levels above the leaf pages: four levels of 64 children already list 10^9 chunks. */
export const PAGE_DEPTH_MAX = 8
/** Distinct chunks of one snapshot: 16 Mi chunks of 256 KiB are 4 TiB; more wants the `bulk` profile. */
export const CHUNKS_MAX = 16 * 1024 * 1024
/** Mentions of chunks in one snapshot, repeats included. */
export const CHUNK_REFS_MAX = 4 * CHUNKS_MAX
/** Files, directories and links of one snapshot. */
export const ENTRIES_MAX = 4 * 1024 * 1024
/** PATH_MAX of Linux less its terminating zero. */
export const PATH_BYTES_MAX = 4095
/** NAME_MAX of every file system in common use. */
export const NAME_BYTES_MAX = 255
/** Length of a network or ledger name. */
export const IDENTITY_BYTES_MAX = 64
/** Chunks in one request. */
export const WANT_CHUNKS_MAX = 64
/** Bytes of a block sent between two looks at whether its request was cancelled. */
export const SLICE_BYTES_MAX = 256 * 1024
/** One availability announcement on gossip. */
export const AVAILABILITY_BYTES_MAX = 1024
/** How long an availability announcement may claim to hold. */
export const AVAILABILITY_TTL_MS_MAX = 120_000
/** One trust metadata file on the wire; TUF clients bound each file, 1 MiB holds thousands of releases. */
export const METADATA_BYTES_MAX = 1024 * 1024
