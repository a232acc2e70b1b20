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
  /** Somebody waits for it: it goes before all stages. */
  readonly isUrgent: boolean
  /** {@link deadlineBucket}: 0 is the latest, {@link NEVER_ASKED} is not late at all. */
  readonly deadline: number
  readonly holdersCount: number
  /** 32 seeded bits: they spread nodes that start together over different chunks. */
  readonly tieBreak: number
}

/** Deadline bucket of a chunk that was not asked for before. */
export const NEVER_ASKED = 15

/** How late a chunk is that was waited for in vain for `waitedMs`; logarithmic, from 64 ms. A chunk that came to nothing once holds its stage up the longest. */
export function deadlineBucket(waitedMs: number): number {
  return Math.max(0, NEVER_ASKED - 1 - Math.floor(Math.log2(1 + waitedMs / 64)))
}

/**
 * Packs (class, deadline bucket, rarity bucket, seeded hash) into one number; smaller comes first. What somebody waits for is a class
 * of its own before the stages, whatever stage it belongs to. Two bits of class, four of deadline, three of rarity, 32 of hash: 41 bits,
 * exact in a double.
 */
export function priorityKey({ stage, isUrgent, deadline, holdersCount, tieBreak }: PriorityParts): number {
  const precedence = isUrgent ? 0 : 1 + STAGES.indexOf(stage)
  return ((precedence * 16 + deadline) * 8 + rarityBucket(holdersCount)) * 2 ** 32 + tieBreak
}
