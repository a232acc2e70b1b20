import type { SwarmEvent } from '@cairn/swarm'

/** Why a mirrored snapshot was dropped. */
export type EvictionReason =
  | 'least-recently-used'
  /** A download that a newer version has overtaken. */
  | 'incomplete'
  | 'no-room'
  /** The metadata that was last accepted no longer lists it. */
  | 'revoked'
  /** The operator no longer mirrors its ledger. */
  | 'not-followed'

export interface OfSnapshot {
  readonly ledger: string
  readonly height: number
  readonly snapshot: string
}

/** Everything a cache reports. */
export type CacheEvent =
  | SwarmEvent
  | { readonly type: 'dial-failed'; readonly address: string; readonly reason: string; readonly retryInMs: number | undefined }
  | { readonly type: 'serving'; readonly snapshots: number; readonly addresses: readonly string[]; readonly storeBytes: number }
  /** Newer metadata was accepted and is on disk. `freshUntil` is when the first of its files expires (ISO 8601). */
  | { readonly type: 'trust-updated'; readonly ledgers: readonly string[]; readonly freshUntil: string }
  | (OfSnapshot & { readonly type: 'mirror-started'; readonly bytes: number })
  | (OfSnapshot & {
      readonly type: 'mirror-complete'
      readonly bytes: number
      readonly receivedBytes: number
      readonly durationMs: number
      readonly storeBytes: number
    })
  | (OfSnapshot & { readonly type: 'mirror-failed'; readonly reason: string; readonly retryInMs: number })
  /** Blocks of a mirrored snapshot are gone or damaged, and are fetched again. */
  | (OfSnapshot & { readonly type: 'mirror-damaged'; readonly blocksCount: number })
  | (OfSnapshot & {
      readonly type: 'evicted'
      readonly reason: EvictionReason
      readonly freedBytes: number
      readonly storeBytes: number
    })
  /** Blocks that no mirrored snapshot has, left by a run that was killed, were removed. */
  | { readonly type: 'orphans-removed'; readonly blocksCount: number; readonly freedBytes: number; readonly storeBytes: number }
  /** A file of deltas could not be read and was removed: chunks go out whole. */
  | { readonly type: 'deltas-damaged'; readonly path: string; readonly reason: string }
  /**
   * The disk refused what is not a snapshot's download. New metadata that is not on disk is not used; a list of mirrors that is not
   * is written with the next change; what an eviction left is removed later.
   */
  | { readonly type: 'store-failed'; readonly what: 'trust' | 'mirrors' | 'eviction'; readonly reason: string }
