// What the making of deltas asks of its threads. A thread makes one delta at a time, and keeps some of the old chunks that it made them from.
import type { Anchors, AnchorTable, ChunkPiece } from '@cairn/protocol/chunk'

/** An old chunk that a thread has not got. */
export interface OldChunk {
  /** Index in the old snapshot. */
  readonly chunk: number
  readonly digest: Uint8Array
  /** `undefined` if it cannot be read: nothing is made from it. */
  readonly frame: Uint8Array | undefined
}

export type DeltaCall =
  /** The anchors of an old chunk. */
  | { readonly type: 'scan'; readonly frame: Uint8Array; readonly bits: number }
  /** From now on deltas are made with this index. */
  | { readonly type: 'begin'; readonly table: AnchorTable; readonly starts: Float64Array }
  /** Find what the chunk in `frame` is made from; `besides` if nothing is found. */
  | { readonly type: 'choose'; readonly frame: Uint8Array; readonly besides: readonly ChunkPiece[] }
  /** Make the delta of the chunk that was chosen for. */
  | { readonly type: 'make'; readonly bases: readonly OldChunk[]; readonly deltaBytesMax: number }

export type DeltaReply = ScannedReply | { readonly type: 'begun' } | ChosenReply | MadeReply

export interface ScannedReply {
  readonly type: 'scanned'
  readonly anchors: Anchors
}

export interface ChosenReply {
  readonly type: 'chosen'
  /** How many old chunks the delta is made from. */
  readonly basesCount: number
  /** Those of them that the thread has not got. */
  readonly missing: readonly number[]
}

/** `delta` is `undefined` where one is of no use. */
export interface MadeReply {
  readonly type: 'made'
  readonly delta: Uint8Array | undefined
}
