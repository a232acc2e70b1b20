import type { PeerId } from '@cairn/network'
import type { PeerFault } from '@cairn/policy'
import type { DropReason, SlowReason, StallReason } from '@cairn/scheduler'

/** Everything a participant reports, each thing once. Logs, metrics, status and progress derive from these. */
export type SwarmEvent =
  /** A configured address did not answer; `retryInMs` is null when no retry can help. */
  | { readonly type: 'dial-failed'; readonly address: string; readonly reason: string; readonly retryInMs: number | null }
  | { readonly type: 'peer-connected'; readonly peer: PeerId }
  | { readonly type: 'peer-disconnected'; readonly peer: PeerId }
  | { readonly type: 'peer-penalized'; readonly peer: PeerId; readonly fault: PeerFault; readonly score: number; readonly detail: string }
  | { readonly type: 'peer-banned'; readonly peer: PeerId; readonly fault: PeerFault; readonly banMs: number; readonly detail: string }
  | { readonly type: 'metadata-refreshed'; readonly peer: PeerId; readonly filesCount: number }
  | { readonly type: 'metadata-refused'; readonly peer: PeerId; readonly reason: string }
  | {
      readonly type: 'manifest-loaded'
      readonly snapshot: string
      readonly pagesCount: number
      readonly chunksCount: number
      readonly bytes: number
    }
  | {
      readonly type: 'download-started'
      readonly snapshot: string
      readonly chunksCount: number
      readonly chunksHeld: number
      readonly bytes: number
      readonly bytesHeld: number
    }
  | { readonly type: 'source-joined'; readonly snapshot: string; readonly peer: PeerId; readonly chunksHeld: number }
  | { readonly type: 'source-left'; readonly snapshot: string; readonly peer: PeerId }
  /**
   * Nothing more is asked of a source for `retryInMs` (null: ever), with what it gave at most while it was asked for anything, what the
   * others give on average, both in frame bytes, and for how long it has sent nothing of what it owes.
   */
  | {
      readonly type: 'source-dropped'
      readonly snapshot: string
      readonly peer: PeerId
      readonly reason: DropReason
      readonly bytesPerSecond: number
      readonly othersBytesPerSecond: number
      readonly silentMs: number
      readonly retryInMs: number | null
    }
  /** A dropped source was tried again and is good enough, or nobody else has what it has. */
  | { readonly type: 'source-restored'; readonly snapshot: string; readonly peer: PeerId }
  /** A chunk's frame came over the network, whole; nothing of it is checked or kept yet. */
  | {
      readonly type: 'chunk-arrived'
      readonly snapshot: string
      readonly peer: PeerId
      readonly chunk: number
      readonly frameBytes: number
      readonly plainBytes: number
    }
  /** A chunk that arrived was verified and lies in its place. */
  | {
      readonly type: 'chunk-received'
      readonly snapshot: string
      readonly peer: PeerId
      readonly chunk: number
      readonly frameBytes: number
      readonly plainBytes: number
    }
  | {
      readonly type: 'chunk-bad'
      readonly snapshot: string
      readonly peer: PeerId
      readonly chunk: number
      readonly cid: string
      readonly reason: string
    }
  | { readonly type: 'chunk-wasted'; readonly snapshot: string; readonly peer: PeerId; readonly chunk: number; readonly frameBytes: number }
  | { readonly type: 'download-stalled'; readonly snapshot: string; readonly reason: StallReason }
  | { readonly type: 'download-resumed'; readonly snapshot: string }
  /** This machine, and not the network, holds it up: it asks for less until that is over. Once per change of the reason. */
  | { readonly type: 'download-slowed'; readonly snapshot: string; readonly reason: SlowReason }
  | { readonly type: 'download-recovered'; readonly snapshot: string }
  | { readonly type: 'download-complete'; readonly snapshot: string; readonly durationMs: number }
  /** A block was sent; `isNewcomer` if it went before its turn, since its peer had hardly anything yet. */
  | { readonly type: 'block-served'; readonly peer: PeerId; readonly frameBytes: number; readonly isNewcomer: boolean }
  /** What waits to be sent; told each second while anything does, and once when nothing does any more. */
  | { readonly type: 'serving-load'; readonly blocksQueued: number; readonly bytesHeld: number }
  /** A peer took nothing: until it was certain that it does not read, or until others needed the memory. Its channel was closed. */
  | { readonly type: 'slow-reader-dropped'; readonly peer: PeerId; readonly reason: 'stalled' | 'memory'; readonly waitedMs: number }
  | { readonly type: 'block-unavailable'; readonly cid: string; readonly reason: string }
  | { readonly type: 'announced'; readonly snapshot: string; readonly complete: boolean }
  | { readonly type: 'announcement-refused'; readonly peer: PeerId; readonly reason: string }
