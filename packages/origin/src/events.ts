import type { SwarmEvent } from '@cairn/swarm'

/** What publishing reports. */
export type PublishEvent =
  | { readonly type: 'publish-started'; readonly path: string; readonly filesCount: number; readonly bytes: number }
  | { readonly type: 'publish-progress'; readonly bytesDone: number; readonly bytes: number; readonly storedBytes: number }
  /** What holders of an earlier release will fetch: deltas, and the frames of chunks that have none. */
  | {
      readonly type: 'deltas-prepared'
      readonly fromHeight: number
      readonly chunksChanged: number
      readonly frameBytes: number
      readonly deltasCount: number
      readonly fetchBytes: number
      readonly durationMs: number
    }
  | { readonly type: 'published'; readonly snapshot: string; readonly ledger: string; readonly height: number; readonly durationMs: number }

/** Everything an origin reports. */
export type OriginEvent =
  | SwarmEvent
  | { readonly type: 'serving'; readonly snapshots: number; readonly addresses: readonly string[] }
  | { readonly type: 'release-loaded'; readonly ledger: string; readonly height: number; readonly snapshot: string }
  | { readonly type: 'timestamp-renewed' }
  /** Deltas that somebody asked for are there from now on. */
  | {
      readonly type: 'deltas-made'
      readonly pair: string
      readonly deltasCount: number
      readonly deltaBytes: number
      readonly fetchBytes: number
      readonly durationMs: number
    }
  | { readonly type: 'deltas-failed'; readonly pair: string; readonly reason: string }
  | { readonly type: 'deltas-damaged'; readonly path: string; readonly reason: string }
  | { readonly type: 'source-changed'; readonly path: string }
  | { readonly type: 'metadata-unusable'; readonly reason: string }
