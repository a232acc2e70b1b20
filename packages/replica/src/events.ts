import type { Notice, PeerId } from '@cairn/ledger'
import type { MessageClass } from './peer-links.ts'

/** What happens in a replica, beside what the engine says. */
export type ReplicaEvent =
  | Notice
  /** Entries and bytes became durable, in this time. */
  | { readonly type: 'synced'; readonly entries: number; readonly bytes: number; readonly durationMs: number }
  /** A message was left out: its queue was full, or the peer is not there. */
  | { readonly type: 'dropped'; readonly to: PeerId; readonly kind: MessageClass }
  /** A peer sent what is no message, and lost its stream. */
  | { readonly type: 'malformed'; readonly from: PeerId; readonly reason: string }
  /** A block was applied, in this time. */
  | { readonly type: 'applied'; readonly height: number; readonly operations: number; readonly durationMs: number }
