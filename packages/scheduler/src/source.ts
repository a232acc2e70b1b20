import type { Bitmap } from '@cairn/protocol'
import { ChunkQueue } from './chunk-queue.ts'
import type { SourceId } from './download-types.ts'
import { PeerWindow } from './peer-window.ts'

/** One request of one chunk to one source. */
export interface OutstandingRequest {
  readonly source: SourceId
  readonly chunk: number
  readonly sinceMs: number
  /** Past its deadline and given to somebody else; it still fills the source's window until the source answers. */
  expired: boolean
}

/** The scheduler's books on one source. */
export class Source {
  readonly id: SourceId
  readonly window = new PeerWindow()
  readonly outstanding = new Map<number, OutstandingRequest>()
  /** Chunks this source has and nobody was asked for; `undefined` for a complete source, which draws from the common queue. */
  readonly queue: ChunkQueue | undefined
  readonly have: Bitmap | undefined
  /** Chunks it answered `not-found` for. */
  readonly lacks = new Set<number>()
  refusalsInARow = 0
  badChunks = 0
  /** Nothing is asked of it before this time. */
  pausedUntilMs = 0
  /** Let a deadline pass and has not delivered since. */
  snubbed = false

  constructor(id: SourceId, have: 'complete' | Bitmap, keyOf: (chunk: number) => number | undefined) {
    this.id = id
    if (have !== 'complete') {
      this.have = have.clone()
      this.queue = new ChunkQueue(keyOf)
    }
  }

  has(chunk: number): boolean {
    return !this.lacks.has(chunk) && (this.have === undefined || this.have.get(chunk))
  }
}
