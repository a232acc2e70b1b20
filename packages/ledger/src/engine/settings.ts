/** How long things may take, in milliseconds, and how leaders take turns. The same at all seats of an epoch. */
export interface Settings {
  /** From entering a slot with work to do until giving up on its leader, before any doubling. */
  readonly leaderTimeoutMs: number
  /** A leader without operations proposes an empty block after this: the sign that it lives. */
  readonly idleMs: number
  /** Without progress, own votes and the best certificates are sent again after this, before jitter and doubling. */
  readonly resendMs: number
  /** What was asked of one peer is asked of the next after this. */
  readonly fetchRetryMs: number
  /** A header may be this far ahead of a voter's clock. */
  readonly clockSkewMsMax: number
  /** Slots in a row that one seat leads. */
  readonly termSlots: number
  /** A leader of whom nothing was heard for this many slots is skipped without waiting, if a quorum was heard of. */
  readonly inactiveSlots: number
}

export const DEFAULT_SETTINGS: Settings = {
  leaderTimeoutMs: 1000,
  idleMs: 2000,
  resendMs: 500,
  fetchRetryMs: 300,
  clockSkewMsMax: 5000,
  termSlots: 64,
  inactiveSlots: 4,
}
