/** One version that is kept beside others. */
export interface KeptVersion {
  readonly name: string
  readonly height: number
  readonly complete: boolean
  /** Whether it is the one that readers have, or the one on its way. */
  readonly isInUse: boolean
}

/**
 * The complete versions to be removed so that at most `keep` stay, those in use among them, then the newest. What was begun and given up
 * is not counted: it goes when what it has was taken over.
 */
export function prunable<Version extends KeptVersion>(versions: readonly Version[], keep: number): readonly Version[] {
  const complete = versions.filter((version) => version.complete)
  const inUseCount = complete.filter(({ isInUse }) => isInUse).length
  const others = complete.filter(({ isInUse }) => !isInUse).toSorted((a, b) => b.height - a.height)
  return others.slice(Math.max(0, keep - inUseCount))
}
