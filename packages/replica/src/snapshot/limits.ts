/** Pages asked for in one request: with 2.8 KB in a page, three quarters of an answer. */
export const PAGES_ASKED_MAX = 256
/**
 * Pages asked for in the first requests, with all of them 180 KB: a link of 60 kB/s brings that before any is given up. While nothing comes it
 * is half as many with each request that brought nothing.
 */
export const PAGES_ASKED_FIRST = 16
/**
 * What all requests ask for together is at most this share of what came in one period (at `ASK_MS` 3 s, so 1.5 s of the link). A request is
 * given up after one to two periods, so none is while it waits behind the others, and a round trip up to 1.5 s does not slow it down.
 */
export const PERIOD_SHARE = 0.5
/** Requests that were given up and may still be answered: the newest. Each has `PAGES_ASKED_MAX` names of 64 characters at most. */
export const REQUESTS_LATE_MAX = 8
/** A request for fewer waits, unless its peer has nothing else to do, for what others bring. */
export const PAGES_ASKED_MIN = 8
/** Requests under way: at a round trip of 100 ms some 28 MB/s, and 4 MiB at most that were asked for and are not here. */
export const REQUESTS_MAX = 4
/** Pages that are known to be missing, for all requests under way. */
export const PAGES_WANTED_MAX = REQUESTS_MAX * PAGES_ASKED_MAX
/** Bytes of pages in one answer; who asked for more asks again for the rest. Any page fits. */
export const PAGES_BYTES_MAX = 1024 * 1024
/** Pages that are looked at in one turn of the event loop: some milliseconds, so that votes and pings are not late. */
export const PAGES_PER_TURN_MAX = 256
/** How long a state is kept for somebody who has not asked for more of it. */
export const HOLD_MS = 30_000
/** Heights that a state may fall behind while it is kept for somebody: blocks and old pages pile up meanwhile, and this bounds them. */
export const HELD_HEIGHTS_MAX = 65_536
/** Requests in a row that brought nothing, of each peer, after which a download waits for another offer. What is here already stays. */
export const ROUNDS_WITHOUT_PAGES_MAX = 2
/** How often a replica that does not get on asks for a way. An idle ledger makes a block every two seconds, so healthy ones hardly ask. */
export const ASK_MS = 3000
