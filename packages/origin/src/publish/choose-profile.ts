import type { ChunkingProfile } from '@cairn/protocol'

/** What a sample says of one profile, all in parts of the sample's plain bytes. */
export interface ProfileFigures {
  readonly profile: ChunkingProfile
  /** Frames of its chunks. */
  readonly compressed: number
  /** Plain bytes of chunks that the parent has too; 0 without a parent. */
  readonly reused: number
  /** What a holder of the parent would fetch: deltas, and frames of what has none. Without a parent, everything. */
  readonly fetched: number
  /** The manifest's entries for the chunks. */
  readonly manifest: number
}

/** Another profile has to cost at most this part of the present one: changing it makes every chunk a new one, once. */
const CLEARLY_BETTER = 0.8
/** And to save at least this part of the content each time, or that once would never be made good. */
const SAVING_MIN = 0.01

/**
 * The profile to publish with: that with the least to fetch, manifest included, if it is clearly better than `present`, which is the parent's
 * or else the usual one.
 */
export function chooseProfile(figures: readonly ProfileFigures[], present: ChunkingProfile): ChunkingProfile {
  const costOf = ({ fetched, manifest }: ProfileFigures): number => fetched + manifest
  const [best] = figures.toSorted((a, b) => costOf(a) - costOf(b))
  const now = figures.find(({ profile }) => profile === present)
  if (best === undefined || now === undefined) return present
  return costOf(best) <= Math.min(costOf(now) * CLEARLY_BETTER, costOf(now) - SAVING_MIN) ? best.profile : present
}
