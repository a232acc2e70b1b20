/** What one fault costs the peer that committed it. */
interface Penalty {
  /** Added to the peer's score; {@link BAN_SCORE} is the most a peer can have before it is banned. */
  readonly points: number
  /**
   * `at-once`: no honest peer does this, whatever the network does to it.
   * `by-score`: a mistake if it happens once.
   * `never`: the network, or our own end of it, does this to honest peers. When our link fails, every peer times out in the
   * same second; these faults lower a peer's standing and stop short of a ban.
   */
  readonly bans: 'at-once' | 'by-score' | 'never'
}

/** The score at which a peer is banned. Points in {@link PENALTIES} are parts of it. */
export const BAN_SCORE = 100

/** The one table from fault to penalty. */
export const PENALTIES = {
  /** Sent bytes that do not hash to the CID they were asked for by. One peer answers for one block, so this is proof. */
  'bad-chunk': { points: 100, bans: 'at-once' },
  /** Sent a message that no encoder of ours writes, or one that nobody asked for. */
  'malformed-message': { points: 100, bans: 'at-once' },
  /** Sent a frame above the bound of its protocol. */
  'oversized-frame': { points: 100, bans: 'at-once' },
  /** Sent trust metadata that does not verify. An honest peer can: its files may change between two requests. */
  'bad-metadata': { points: 40, bans: 'by-score' },
  /** Published or relayed an announcement that its validator rejects. */
  'bad-announcement': { points: 25, bans: 'by-score' },
  /** Took a request and sent nothing more while the connection stayed open. */
  stalled: { points: 20, bans: 'never' },
  /** Did not answer before the deadline. */
  timeout: { points: 10, bans: 'never' },
  /** Refused block after block that it says it holds. */
  'refused-too-often': { points: 10, bans: 'never' },
  /** Sent older metadata than we have. Anyone who was away does. */
  'stale-metadata': { points: 2, bans: 'never' },
  /** Left with requests open. */
  disconnected: { points: 2, bans: 'never' },
} as const satisfies Record<string, Penalty>

/** What a peer did wrong. */
export type PeerFault = keyof typeof PENALTIES

export function penaltyOf(fault: PeerFault): Penalty {
  return PENALTIES[fault]
}
