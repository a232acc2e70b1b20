import type { Notice, PeerId } from '@cairn/ledger'
import type { MessageClass } from './peer-links.ts'
import type { SubmitOutcome } from './submissions.ts'

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
  /** The header of the slot that this seat is in came; its leader's clock is this much ahead, less what it took to arrive. */
  | { readonly type: 'proposal-seen'; readonly leader: number; readonly offsetMs: number }
  /** A block became final, this long after its header was known here. */
  | { readonly type: 'finality'; readonly path: 'fast' | 'slow' | 'ancestor'; readonly durationMs: number }
  /** A client was told what became of its operation. */
  | { readonly type: 'answered'; readonly outcome: SubmitOutcome['type']; readonly durationMs: number }
  | { readonly type: 'sent' | 'received'; readonly kind: MessageClass; readonly bytes: number }
  /** The blocks that this replica needs are gone: it fetches the state at a height, first from this peer. */
  | { readonly type: 'snapshot-begun'; readonly from: PeerId; readonly height: number }
  /** A peer sent what was not asked for, or what is no page of that state. */
  | { readonly type: 'snapshot-lie'; readonly from: PeerId; readonly height: number }
  /** A state is not fetched any further; what is here of it stays, if another one is needed. */
  | { readonly type: 'snapshot-left'; readonly height: number; readonly reason: string }
  /** A fetched state is in place; pages that were here before, and pages that came. */
  | { readonly type: 'snapshot-installed'; readonly height: number; readonly found: number; readonly fetched: number }
  /** A state is here that the log can rely on: whoever runs this replica starts it again. */
  | { readonly type: 'state-rebuilt'; readonly height: number }
  /** A quorum signed another checkpoint of this height than was made here: this replica's state is not the ledger's. */
  | { readonly type: 'diverged'; readonly height: number }
