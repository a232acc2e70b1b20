/** How often in a row a version that was begun may be given up for a newer one: the one after that is finished, whatever comes. */
export const OVERTAKEN_MAX = 2
/** From this share of a version on it is finished first: what is left of it costs less than a newer one may. */
const FINISH_SHARE = 0.5

export interface ChaseFacts {
  /** Chunks of the version that is under way, and how many of them are in place. */
  readonly total: number
  readonly held: number
  /** Versions that were given up since the last one that was finished. */
  readonly overtakenCount: number
  /** Nobody vouches for it any more. */
  readonly isWithdrawn: boolean
}

/**
 * Whether a version under way is finished although there is a newer one, or given up for that.
 *
 * Chunks of a version that is given up are kept and count for the next, so either way nothing is fetched twice. But a publisher that is
 * faster than its readers would keep them from ever finishing one: at most {@link OVERTAKEN_MAX} in a row are given up.
 */
export function chase({ total, held, overtakenCount, isWithdrawn }: ChaseFacts): 'finish' | 'move' {
  if (isWithdrawn) return 'move'
  if (overtakenCount >= OVERTAKEN_MAX) return 'finish'
  return held >= total * FINISH_SHARE ? 'finish' : 'move'
}
