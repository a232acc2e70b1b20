import type { StageClass } from '@cairn/protocol'
import type { SwarmEvent } from '@cairn/swarm'

/** What a node waits for before its download starts. */
export type WaitReason = 'connecting' | 'metadata' | 'manifest' | 'checking'

/** Everything a joining node reports. */
export type NodeEvent =
  | SwarmEvent
  | { readonly type: 'waiting'; readonly reason: WaitReason }
  | { readonly type: 'release-chosen'; readonly ledger: string; readonly height: number; readonly snapshot: string; readonly bytes: number }
  | { readonly type: 'newer-release'; readonly ledger: string; readonly height: number; readonly joining: number }
  | { readonly type: 'resumed'; readonly chunksHeld: number; readonly chunksCount: number; readonly bytesHeld: number }
  /** A directory that was complete has been read again; `damagedCount` paths were not as signed and are mended. */
  | { readonly type: 'rechecked'; readonly damagedCount: number }
  | { readonly type: 'stage-committed'; readonly stage: StageClass; readonly sinceStartMs: number }
  | { readonly type: 'join-complete'; readonly snapshot: string; readonly durationMs: number }
