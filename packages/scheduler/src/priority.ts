import { STAGES, type StageClass } from '@cairn/protocol'

/** Rarity buckets: 0 for a chunk that no partial peer has, then 1, 2, 3 to 4, 5 to 8, 9 and more holders. */
const RARITY_BUCKETS = 6

/** Logarithmic, so that a chunk spreading through a swarm of thousands changes its place a handful of times and not thousands. */
export function rarityBucket(holdersCount: number): number {
  if (holdersCount <= 2) return holdersCount
  return Math.min(RARITY_BUCKETS - 1, 1 + Math.ceil(Math.log2(holdersCount)))
}

export interface PriorityParts {
  readonly stage: StageClass
  /** 0 is due now, 15 is not urgent. */
  readonly urgency: number
  readonly holdersCount: number
  /** 32 seeded bits: they spread nodes that start together over different chunks. */
  readonly tieBreak: number
}

/** Urgency of a chunk that nobody waits for. */
export const URGENCY_NONE = 15

/**
 * Packs the parts into one number; smaller comes first. Urgency is above stage: whoever waits for a chunk waits for it now, whatever
 * stage it belongs to. Four bits of urgency, two of stage, three of rarity, 32 of tie-break: 41 bits, exact in a double.
 */
export function priorityKey({ stage, urgency, holdersCount, tieBreak }: PriorityParts): number {
  return ((urgency * 4 + STAGES.indexOf(stage)) * 8 + rarityBucket(holdersCount)) * 2 ** 32 + tieBreak
}
