import { planRetention, type RetentionInit, type RetentionPlan, type SnapshotFacts } from '@cairn/policy'
import type { SnapshotIndex } from '@cairn/protocol'
import type { BlockStore } from '@cairn/storage'
import type { Release } from '@cairn/trust'
import { addedBytes } from './blocks.ts'
import type { Mirror } from './mirrors.ts'

/** What retention is decided on: every snapshot that is held or listed. */
export function factsOf(mirrors: readonly Mirror[], releases: readonly Release[]): readonly SnapshotFacts[] {
  const held = new Set(mirrors.map(({ cid }) => cid.toString()))
  const facts: SnapshotFacts[] = mirrors.map(({ cid, ledger, height, bytes, complete, lastUsedAt, channels }) => {
    return { cid, ledger, height, bytes, held: complete ? 'complete' : 'partial', lastUsedAt, channels }
  })
  for (const { manifest, ledger, height, totalBytes, chunks, channels } of releases) {
    if (held.has(manifest.toString())) continue
    facts.push({ cid: manifest, ledger, height, bytes: totalBytes + chunks, held: 'none', lastUsedAt: 0, channels })
  }
  return facts
}

/** The snapshots that would be fetched if there were room for all, the most wanted first: those whose manifests it takes to plan. */
export function wantedOf(
  facts: readonly SnapshotFacts[],
  init: Pick<RetentionInit, 'channels' | 'versionsPinned'>,
): readonly SnapshotFacts[] {
  return planRetention(facts, { ...init, capacityBytes: Number.POSITIVE_INFINITY, addedBytes: () => 0 }).mirror
}

/**
 * Retention by what snapshots really take: a block that several share counts once. One whose manifest is not in `indexes` keeps its
 * rank and takes no room: nothing makes way for what cannot be fetched yet.
 */
export function planByBlocks(
  facts: readonly SnapshotFacts[],
  init: Pick<RetentionInit, 'channels' | 'versionsPinned' | 'capacityBytes'>,
  indexes: ReadonlyMap<string, SnapshotIndex>,
  store: Pick<BlockStore, 'frameBytes'>,
): RetentionPlan {
  const indexOf = ({ cid }: SnapshotFacts): SnapshotIndex | undefined => indexes.get(cid.toString())
  return planRetention(facts, {
    ...init,
    addedBytes: (snapshot, kept) => {
      const index = indexOf(snapshot)
      return index === undefined
        ? 0
        : addedBytes(
            index,
            kept.flatMap((other) => indexOf(other) ?? []),
            store,
          )
    },
  })
}
