import type { StageClass } from '@cairn/protocol'
import type { SwarmEvent } from '@cairn/swarm'
import type { WaitReason } from './wait-reason.ts'

/** Everything a joining node reports. */
export type NodeEvent =
  | SwarmEvent
  | { readonly type: 'waiting'; readonly reason: WaitReason }
  | { readonly type: 'release-chosen'; readonly ledger: string; readonly height: number; readonly snapshot: string; readonly bytes: number }
  | { readonly type: 'newer-release'; readonly ledger: string; readonly height: number; readonly joining: number }
  | { readonly type: 'resumed'; readonly chunksHeld: number; readonly chunksCount: number; readonly bytesHeld: number }
  /**
   * What is missing and where it comes from, before any of it moves: `chunksReused` are on this machine, with the files that need nothing
   * else. Of the chunks to be fetched, sources offer `chunksAsDelta` as what they add to chunks that are here, in `deltaBytes` on the wire.
   * Other bytes are plain, each distinct chunk once.
   */
  | {
      readonly type: 'planned'
      readonly files: number
      readonly filesReused: number
      readonly chunksReused: number
      readonly bytesReused: number
      readonly chunksToFetch: number
      readonly bytesToFetch: number
      readonly chunksAsDelta: number
      /** Plain bytes of those. */
      readonly bytesAsDelta: number
      readonly deltaBytes: number
    }
  /** That many chunks came from this machine; `filesShared` are files that came as a whole, unread. */
  | { readonly type: 'reused'; readonly filesShared: number; readonly chunks: number; readonly bytes: number }
  /** A directory that was complete has been read again; `damagedCount` paths were not as signed and are mended. */
  | { readonly type: 'rechecked'; readonly damagedCount: number }
  /** A stage and all before it are in place; `isResumed` if an earlier run had brought it that far. */
  | { readonly type: 'stage-committed'; readonly stage: StageClass; readonly sinceStartMs: number; readonly isResumed: boolean }
  /** The ledger's own software can start: the bootstrap stage is in place, or everything where a release has no such stage. */
  | { readonly type: 'usable'; readonly sinceStartMs: number }
  /** Chunks that were in place are damaged and are fetched again; `stage` is the last one that is still committed. */
  | { readonly type: 'rolled-back'; readonly stage: StageClass | null; readonly chunksCount: number; readonly bytes: number }
  /** The join ends here because it was asked for no more than this stage. */
  | { readonly type: 'join-staged'; readonly snapshot: string; readonly stage: StageClass; readonly durationMs: number }
  | { readonly type: 'join-complete'; readonly snapshot: string; readonly durationMs: number }
  /** Another version is in use from now on: readers of `current` have it, whole. `from` is null for the first. */
  | {
      readonly type: 'version-switched'
      readonly ledger: string
      readonly height: number
      readonly from: number | null
      readonly snapshot: string
    }
  /** A version was given up for a newer one; what is here of it counts for that. */
  | { readonly type: 'version-overtaken'; readonly height: number; readonly snapshot: string; readonly reason: string }
  | { readonly type: 'version-removed'; readonly height: number; readonly snapshot: string; readonly complete: boolean }
  /** Nothing newer is brought here, and why; null when that is over. */
  | { readonly type: 'follow-paused'; readonly reason: string | null }
  /** The next version could not be brought here; the one in use stays. */
  | { readonly type: 'follow-failed'; readonly reason: string; readonly retryInMs: number }
