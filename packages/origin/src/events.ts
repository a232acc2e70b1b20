import type { SwarmEvent } from '@cairn/swarm'

/** What publishing reports. */
export type PublishEvent =
  | { readonly type: 'publish-started'; readonly path: string; readonly filesCount: number; readonly bytes: number }
  | { readonly type: 'publish-progress'; readonly bytesDone: number; readonly bytes: number; readonly storedBytes: number }
  | { readonly type: 'published'; readonly snapshot: string; readonly ledger: string; readonly height: number; readonly durationMs: number }

/** Everything an origin reports. */
export type OriginEvent =
  | SwarmEvent
  | { readonly type: 'serving'; readonly snapshots: number; readonly addresses: readonly string[] }
  | { readonly type: 'release-loaded'; readonly ledger: string; readonly height: number; readonly snapshot: string }
  | { readonly type: 'timestamp-renewed' }
  | { readonly type: 'source-changed'; readonly path: string }
  | { readonly type: 'metadata-unusable'; readonly reason: string }
