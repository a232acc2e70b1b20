import type { SnapshotIndex } from '@cairn/protocol'
import type { Reporter } from '@cairn/runtime'
import type { BlockStore } from '@cairn/storage'
import type { Participant } from '@cairn/swarm'
import { blocksOf, dropBlocks } from './blocks.ts'
import type { CacheEvent, EvictionReason } from './events.ts'
import type { Mirror, Mirrors } from './mirrors.ts'

export interface EvictorComponents {
  readonly store: BlockStore
  readonly mirrors: Mirrors
  readonly participant: Participant
  readonly reporter: Reporter<CacheEvent>
}

/** Removes snapshots from the store, and blocks that belong to none. */
export class Evictor {
  readonly #components: EvictorComponents
  /** Blocks that nothing on the list needs: of an eviction that was interrupted, or of a list that was lost. */
  #mayHaveOrphans = true

  constructor(components: EvictorComponents) {
    this.#components = components
  }

  /**
   * Takes the snapshot out of service and off the list before its blocks go: an eviction that is interrupted leaves orphans only.
   * What it shares with others, and with what is `needed` next, stays.
   */
  async evict(mirror: Mirror, reason: EvictionReason, needed: readonly SnapshotIndex[]): Promise<void> {
    const { mirrors, participant, store, reporter } = this.#components
    const { cid, ledger, height, index } = mirror
    const mayHaveOrphans = this.#mayHaveOrphans || index === undefined
    participant.release(cid)
    mirrors.remove(cid)
    await mirrors.save()
    this.#mayHaveOrphans = true
    const { freedBytes } = await dropBlocks(store, index === undefined ? [] : blocksOf(index), this.#keptWith(needed))
    this.#mayHaveOrphans = mayHaveOrphans
    reporter.report({ type: 'evicted', ledger, height, snapshot: cid.toString(), reason, freedBytes, storeBytes: store.totalBytes })
  }

  /** Deletes blocks that belong to nothing on the list or `needed`, if there may be any. */
  async removeOrphans(needed: readonly SnapshotIndex[]): Promise<void> {
    const { mirrors, store, reporter } = this.#components
    if (!this.#mayHaveOrphans || mirrors.all.some(({ index }) => index === undefined)) return
    const removed = await dropBlocks(store, store.cids(), this.#keptWith(needed))
    this.#mayHaveOrphans = false
    if (removed.blocksCount > 0) reporter.report({ type: 'orphans-removed', ...removed, storeBytes: store.totalBytes })
  }

  #keptWith(needed: readonly SnapshotIndex[]): readonly SnapshotIndex[] {
    return [...this.#components.mirrors.all.flatMap(({ index }) => index ?? []), ...needed]
  }
}
