import type { Committee } from '../committee.ts'
import type { Digest } from '../digest.ts'
import type { ChainPoint } from '../header.ts'
import type { Operation, Payload } from '../payload.ts'
import type { Evidence } from './evidence.ts'
import type { InstalledSnapshot } from './install.ts'
import type { EpochStart, LogRecord, Message, PeerId, Want } from './messages.ts'

/** What happened outside. `now` of a step is milliseconds since 1970 by the replica's clock; it decides nothing but what it says. */
export type EngineEvent =
  | { readonly type: 'start' }
  /** Of `operations` only those that are statically valid: leaders propose what they are handed. */
  | { readonly type: 'received'; readonly from: PeerId; readonly message: Message }
  /** All that was persisted with this token or before it survives a crash. */
  | { readonly type: 'durable'; readonly token: number }
  | { readonly type: 'timer'; readonly timer: TimerName; readonly id: number }
  | { readonly type: 'validated'; readonly root: Digest; readonly valid: boolean }
  | { readonly type: 'applied'; readonly height: number; readonly stateRoot: Digest }
  /** A client hands in an operation here, found statically valid. */
  | { readonly type: 'submit'; readonly operation: Operation }
  /** A snapshot is on disk in place of the state, all of it verified. */
  | { readonly type: 'installed'; readonly snapshot: InstalledSnapshot }
  /** The operator wants this committee next; joiners and seats are all told. */
  | { readonly type: 'reconfigure'; readonly committee: Committee }

export type TimerName = 'slot' | 'propose' | 'hold' | 'resend' | 'fetch'

/** What the runtime must now do, in order. */
export type Effect =
  /** Records become durable in order: one that survives a crash has all before it, whatever file they are in. */
  | { readonly type: 'persist'; readonly records: readonly LogRecord[]; readonly token: number }
  /** With `after`, nothing of it may leave before that token is durable. */
  | { readonly type: 'send'; readonly to: readonly PeerId[]; readonly message: Message; readonly after?: number }
  /** Ask one peer; the answer comes as a message, or the engine asks another. */
  | { readonly type: 'fetch'; readonly from: PeerId; readonly want: Want }
  /** A peer wants final blocks above `height` that are no longer in memory. */
  | { readonly type: 'serve'; readonly to: PeerId; readonly want: Want }
  /** Replaces the timer of that name. */
  | { readonly type: 'setTimer'; readonly timer: TimerName; readonly id: number; readonly afterMs: number }
  /** Check the operations' signatures and form, in any order and thread. */
  | { readonly type: 'validate'; readonly root: Digest; readonly payload: Payload }
  /**
   * In order, each height once. May be shown at once; must not be durable before that token is, or the proof that the block is final
   * could be lost with nothing but the block's effects left.
   */
  | { readonly type: 'apply'; readonly point: ChainPoint; readonly payload: Payload; readonly after: number }
  /** This key signs no more: erase it. */
  | { readonly type: 'eraseKey'; readonly publicKey: Uint8Array }
  | { readonly type: 'emit'; readonly event: Notice }

/** What clients, metrics and operators want to know. */
export type Notice =
  | { readonly type: 'queued'; readonly operation: string }
  /** Already final here, or already waiting: nothing more will happen because of this submission. */
  | { readonly type: 'duplicate'; readonly operation: string; readonly final: boolean }
  | { readonly type: 'rejected'; readonly operation: string; readonly reason: RejectReason; readonly retryAfterMs: number }
  | { readonly type: 'slot-entered'; readonly slot: number; readonly leader: number }
  | { readonly type: 'skip-voted'; readonly slot: number; readonly reason: SkipReason }
  | { readonly type: 'final'; readonly point: ChainPoint; readonly path: 'fast' | 'slow' | 'ancestor'; readonly fastMissed?: FastMissed }
  | { readonly type: 'evidence'; readonly evidence: Evidence }
  | { readonly type: 'epoch-ended'; readonly epoch: number; readonly point: ChainPoint }
  | { readonly type: 'epoch-started'; readonly start: EpochStart; readonly seat: number | undefined }
  /** Final blocks contradict each other: more seats misbehaved than the committee bears. This replica signs nothing more. */
  | { readonly type: 'halted'; readonly slot: number; readonly digest: Digest }

export type RejectReason = 'too-large' | 'pool-full' | 'epoch-ending' | 'not-a-seat'
export type SkipReason = 'timeout' | 'invalid' | 'leader-skipped' | 'leader-inactive'
/** Why a block became final by final votes first: seats unheard of, or seats that first-voted otherwise. */
export type FastMissed = 'late-votes' | 'split-votes'
