import type { Bitmap, StageClass } from '@cairn/protocol'
import type { Random } from '@cairn/runtime'
import type { FrameSizes } from './offers.ts'

export type { FrameSizes }

/** Identifies a source to the scheduler; opaque here. */
export type SourceId = string

/** What the scheduler knows of a snapshot's chunks; `protocol`'s `SnapshotIndex` is one. */
export interface ChunkCatalogue {
  readonly chunksCount: number
  /** Plain bytes of chunk `index`. */
  chunkBytes(index: number): number
  chunkStage(index: number): StageClass
}

/** Why a source did not send a chunk it was asked for. */
export type RefusalCode = 'not-found' | 'busy' | 'cancelled' | 'internal'

/** What happened outside. Every input carries the monotonic time in milliseconds at which it did. */
export type DownloadInput =
  /** `isLastResort`: it asks to be left alone while enough others have everything. */
  | {
      readonly type: 'source-joined'
      readonly source: SourceId
      readonly have: 'complete' | Bitmap
      readonly isLastResort?: boolean
      readonly now: number
    }
  | { readonly type: 'source-has'; readonly source: SourceId; readonly chunks: readonly number[]; readonly now: number }
  /**
   * It sends these chunks in so many bytes, which is less than others would: deltas to what the node has. `isPreparing`: it is making more,
   * and until it says otherwise nothing is asked for whole.
   */
  | {
      readonly type: 'source-offers'
      readonly source: SourceId
      readonly sizes: FrameSizes
      readonly isPreparing?: boolean
      readonly now: number
    }
  | { readonly type: 'source-left'; readonly source: SourceId; readonly now: number }
  /** A chunk arrived whole, in `frameBytes` (its plain bytes if absent); its content is not checked yet. */
  | {
      readonly type: 'received'
      readonly source: SourceId
      readonly chunk: number
      readonly frameBytes?: number
      readonly now: number
    }
  /** The content of a received chunk does not match its digest. */
  | { readonly type: 'bad'; readonly source: SourceId; readonly chunk: number; readonly now: number }
  /** A received chunk cannot be used, through no fault of its source: it is to be fetched again. */
  | { readonly type: 'unusable'; readonly chunk: number; readonly now: number }
  | { readonly type: 'refused'; readonly source: SourceId; readonly chunk: number; readonly code: RefusalCode; readonly now: number }
  /** A received chunk was verified and lies in its place. */
  | { readonly type: 'delivered'; readonly chunk: number; readonly now: number }
  /** Chunks that lay in their places are found damaged: they are to be fetched again. */
  | { readonly type: 'lost'; readonly chunks: readonly number[]; readonly now: number }
  /** Somebody waits for these chunks: they go before all others, of whatever stage. */
  | { readonly type: 'prefer'; readonly chunks: readonly number[]; readonly now: number }
  /** Time passes; `lateMs` is how much later than due the tick came, 0 if absent: how far behind the host is. */
  | { readonly type: 'tick'; readonly lateMs?: number; readonly now: number }

/** What a source did wrong, in the words of `policy`'s penalty table. */
export type SourceFault = 'bad-chunk' | 'stalled' | 'timeout' | 'refused-too-often'

/**
 * Why nothing more is asked of a source.
 *
 * `too-slow`: it gives a small part of what the others give, and a chunk waits for it · `stalled`: it sent, and then sent nothing more of
 * what it was asked for · `timeout`: a request was not answered before its deadline · `bad-chunk`: it sent what does not verify.
 */
export type DropReason = 'too-slow' | 'stalled' | 'timeout' | 'bad-chunk'

/** What the caller must now do, in order. */
export type DownloadEffect =
  | { readonly type: 'request'; readonly source: SourceId; readonly chunks: readonly number[]; readonly deadlineMs: number }
  | { readonly type: 'cancel'; readonly source: SourceId; readonly chunk: number }
  | { readonly type: 'penalize'; readonly source: SourceId; readonly fault: SourceFault; readonly chunk: number; readonly ban: boolean }
  /** Nothing is asked of it for `retryInMs`, or ever again without; what it owes is cancelled and fetched elsewhere. */
  | {
      readonly type: 'source-dropped'
      readonly source: SourceId
      readonly reason: DropReason
      /** Frame bytes per second that it gave at most while anything was asked of it. */
      readonly bytesPerSecond: number
      /** What the other sources give, on average; 0 if none has given anything. */
      readonly othersBytesPerSecond: number
      /** How long it has owed an answer and sent nothing. */
      readonly silentMs: number
      readonly retryInMs?: number
    }
  /** A source that was dropped answers well again, or is needed after all. */
  | { readonly type: 'source-restored'; readonly source: SourceId }
  | { readonly type: 'complete' }
  /** The only source left sends chunks that do not verify; going on would be pointless. */
  | { readonly type: 'failed'; readonly source: SourceId; readonly chunk: number }

/** Why nothing arrives. */
export type StallReason = 'no-source' | 'no-source-has-it' | 'sources-slow' | 'placing-slow' | 'rate-limited'

/** What about this machine makes a download ask for less than the sources would give. */
export type SlowReason = 'host-busy' | 'disk-slow'

/** What a download starts from. */
export interface DownloadInit {
  /** Our own id, as other peers know us. */
  readonly self: SourceId
  readonly catalogue: ChunkCatalogue
  /** Which chunks need not be fetched. */
  readonly have: Bitmap
  readonly random: Random
  /** Frame bytes per second that may be asked for, all sources together. Absent: no bound. */
  readonly bytesPerSecondMax?: number
  /** Monotonic time in milliseconds. */
  readonly now: number
}
