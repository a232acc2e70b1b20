import type { Bitmap } from '@cairn/protocol'
import { ChunkQueue } from './chunk-queue.ts'
import type { SourceId } from './download-types.ts'
import { PeerWindow } from './peer-window.ts'

/** A pace over less than this says nothing. */
const PACE_MS_MIN = 500

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
  readonly #joinedMs: number
  #lastGainMs: number
  #gainedCount = 0
  /** Let a deadline pass and has not delivered since. */
  snubbed = false

  constructor(id: SourceId, have: 'complete' | Bitmap, keyOf: (chunk: number) => number | undefined, now: number) {
    this.#joinedMs = now
    this.#lastGainMs = now
    this.id = id
    if (have !== 'complete') {
      this.have = have.clone()
      this.queue = new ChunkQueue(keyOf)
    }
  }

  has(chunk: number): boolean {
    return !this.lacks.has(chunk) && (this.have === undefined || this.have.get(chunk))
  }

  /** The first chunk out of `pop` that it can be asked for; those passed over, such as an expired request of its own, are put back. */
  firstOf(pop: () => number | undefined, putBack: (chunk: number) => void): number | undefined {
    const passedOver: number[] = []
    let chunk = pop()
    while (chunk !== undefined && (this.outstanding.has(chunk) || !this.has(chunk))) {
      passedOver.push(chunk)
      chunk = pop()
    }
    for (const other of passedOver) putBack(other)
    return chunk
  }

  /** When it last said that it has gained chunks, or joined. */
  get lastGainMs(): number {
    return this.#lastGainMs
  }

  /** It says that it has gained `count` chunks. */
  gained(count: number, now: number): void {
    this.#gainedCount += count
    this.#lastGainMs = now
  }

  /** Its pace since it joined; without bound in its first moments, when it has none to be measured by. */
  gainsPerMs(now: number): number {
    const elapsedMs = now - this.#joinedMs
    return elapsedMs < PACE_MS_MIN ? Number.POSITIVE_INFINITY : this.#gainedCount / elapsedMs
  }
}
