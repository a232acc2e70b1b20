// What publish asks of its threads. A thread keeps the content that it cut last until it is asked to cut again.
import type { ChunkingParameters } from '@cairn/protocol'
import type { PackedFrame, StorageFault } from '@cairn/storage'
import type { OriginFault } from '../errors.ts'

/** A file, or the part of a large one from an offset on. */
export interface Extent {
  readonly path: string
  /** Bytes of the whole file, as the walk found it. */
  readonly bytes: number
  /** Where the part begins: 0, or the end of the part before. */
  readonly start: number
  /** Time of the file's last change when its first part was cut. */
  readonly modifiedMs?: number
}

export type IngestCall =
  | { readonly type: 'cut'; readonly extents: readonly Extent[]; readonly chunking: ChunkingParameters }
  /** Compress these of the chunks that were cut last, and append them to the pack at `path`. */
  | { readonly type: 'store'; readonly chunks: readonly number[]; readonly path: string }

export type IngestReply = CutReply | StoredReply | FailedReply

export interface CutReply {
  readonly type: 'cut'
  /** SHA-256 of every chunk, one after the other. */
  readonly digests: Uint8Array
  /** Sketch of every chunk, one after the other. */
  readonly sketches: Uint32Array
  /** Bytes of every chunk. */
  readonly lengths: readonly number[]
  readonly parts: readonly CutPart[]
}

/** What became of an extent. */
export interface CutPart {
  /** Where it ends: the end of the file, except for a part of a file that is larger than the reading buffer. */
  readonly end: number
  readonly chunksCount: number
  readonly modifiedMs: number
}

export interface StoredReply {
  readonly type: 'stored'
  readonly frames: readonly PackedFrame[]
}

/** A failure that is about the file or the disk and not about the thread. */
export interface FailedReply {
  readonly type: 'failed'
  readonly fault: { readonly of: 'origin'; readonly fault: OriginFault } | { readonly of: 'storage'; readonly fault: StorageFault }
}
