/** Longest key of an entry. Also what bounds the depth of the tree: a key has this many bytes to differ from another in. */
export const KEY_BYTES_MAX = 256
/** Longest value. An entry that is larger than a page has a page of its own, so this is also what bounds a page. */
export const VALUE_BYTES_MAX = 32 * 1024
/**
 * Content of a page that holds more than one item. A change of one entry writes one page for each level, so small pages make
 * small diffs and cheap updates; at 4 KiB a page of entries is 14 entries of 256 bytes, an index page names 60 pages, and a
 * million such entries are 4 levels.
 */
export const PAGE_WEIGHT_MAX = 4 * 1024
/** Longest page: its head, and either {@link PAGE_WEIGHT_MAX} of content or the largest entry. */
export const PAGE_BYTES_MAX = 16 + KEY_BYTES_MAX + VALUE_BYTES_MAX
/**
 * Pages between the root and an entry. Honest trees have 3 to 6. Keys of 256 bytes that were chosen so that each parts from the others one
 * bit later than the last make the deepest tree there is: 9 places to part for each byte of key, and an index page
 * that was closed for want of room holds at least 6 references.
 */
export const PROOF_PAGES_MAX = Math.ceil((9 * (KEY_BYTES_MAX + 1)) / 6)
/** Longest key of a client: one byte of a key says whose it is. */
export const USER_KEY_BYTES_MAX = KEY_BYTES_MAX - 1
/** How far ahead of the ledger an operation may say that it ends: what a client that names its end too late makes others remember. */
export const LIFETIME_HEIGHTS_MAX = 65_536
/** Operations remembered until their end, about 70 MB of state. When there are more, new ones are refused until some have ended. */
export const REMEMBERED_OPERATIONS_MAX = 1024 * 1024
/** Ended operations forgotten in one block: twice what a block may hold, so that they never pile up. */
export const FORGOTTEN_PER_BLOCK_MAX = 8192
