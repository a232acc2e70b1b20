import { type ChunkBoard, MISSING, REQUESTED } from './chunk-board.ts'
import type { ChunkCatalogue, DropReason, SourceId } from './download-types.ts'
import { HELD_MS_MAX, HELD_MS_MAX_URGENT, REQUEST_DEADLINE_MS, SLOW_SHARE, STALLED_AFTER_MS } from './limits.ts'
import type { OutstandingRequest } from './request-book.ts'
import type { Source } from './source.ts'

/** What a source gives beside the others, in frame bytes per second. */
export interface RateFigures {
  readonly bytesPerSecond: number
  readonly othersBytesPerSecond: number
  readonly silentMs: number
}

/**
 * Tells which sources are to be dropped, and which dropped ones are needed after all.
 *
 * Nobody is dropped whose missing chunks no other live source has: a slow source is better than none. And nobody is dropped for being
 * silent while the others are silent too: then it is our own link, or this machine.
 */
export class SourceWatch {
  readonly #catalogue: ChunkCatalogue
  readonly #board: ChunkBoard
  readonly #sources: ReadonlyMap<SourceId, Source>

  constructor(catalogue: ChunkCatalogue, board: ChunkBoard, sources: ReadonlyMap<SourceId, Source>) {
    this.#catalogue = catalogue
    this.#board = board
    this.#sources = sources
  }

  /** Why `source` is to be dropped now; `undefined` to keep it. */
  verdict(source: Source, now: number): DropReason | undefined {
    if (source.standing === 'dropped') return undefined
    const oldest = oldestLive(source)
    if (oldest === undefined) return undefined
    const reason = this.#reasonFor(source, oldest, now)
    return reason !== undefined && this.isCovered(source) ? reason : undefined
  }

  /** `source` is slower than is worth waiting for, by `onTheWayBytes` and all that came from it so far. */
  isSlow(source: Source, now: number, onTheWayBytes: number): boolean {
    return source.pace.bytesPerSecond(now, onTheWayBytes) < this.#othersBytesPerSecond(source, now) * SLOW_SHARE
  }

  figures(source: Source, now: number): RateFigures {
    const oldest = oldestLive(source)
    const measured = source.pace.bytesPerSecond(now)
    // Of one that has given nothing all that can be said is how much it cannot have given.
    const atMost = oldest === undefined ? 0 : source.pace.bytesPerSecond(now, this.#catalogue.chunkBytes(oldest.chunk))
    return {
      bytesPerSecond: Math.round(measured === 0 ? atMost : measured),
      othersBytesPerSecond: Math.round(this.#othersBytesPerSecond(source, now)),
      silentMs: Math.round(source.pace.silentMs(now)),
    }
  }

  /** Whether live sources other than `source` have all that is missing and that it has. */
  isCovered(source: Source): boolean {
    const others = this.#othersOf(source)
    if (others.length === 0) return false
    if (others.some((other) => other.hasAll)) return true
    for (let chunk = 0; chunk < this.#catalogue.chunksCount; chunk++) {
      const state = this.#board.state(chunk)
      if (state !== MISSING && state !== REQUESTED) continue
      if (source.has(chunk) && !others.some((other) => other.has(chunk))) return false
    }
    return true
  }

  #reasonFor(source: Source, { chunk, sinceMs }: OutstandingRequest, now: number): DropReason | undefined {
    const { pace } = source
    const others = this.#othersOf(source)
    if (!others.some((other) => other.pace.isKnown && !other.isSilent(now))) return undefined
    const bytes = this.#catalogue.chunkBytes(chunk)
    const isStuck = pace.isStuck(now, bytes)
    if (isStuck && pace.silentMs(now) >= STALLED_AFTER_MS) return 'stalled'
    const outMs = now - sinceMs
    const isHolding = outMs >= (this.#board.isUrgent(chunk) ? HELD_MS_MAX_URGENT : HELD_MS_MAX) && outMs >= 2 * usualMsOf(others)
    if (isHolding && this.isSlow(source, now, bytes)) return isStuck ? 'stalled' : 'too-slow'
    return outMs >= REQUEST_DEADLINE_MS ? 'timeout' : undefined
  }

  #othersBytesPerSecond(source: Source, now: number): number {
    const rates = this.#othersOf(source).flatMap(({ pace }) => (pace.isKnown ? [pace.bytesPerSecond(now)] : []))
    return rates.length === 0 ? 0 : rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  }

  #othersOf(source: Source): readonly Source[] {
    return [...this.#sources.values()].filter((other) => other !== source && other.standing === 'live')
  }
}

function oldestLive(source: Source): OutstandingRequest | undefined {
  for (const request of source.outstanding.values()) if (!request.expired) return request
  return undefined
}

/** What the quickest of `others` usually takes to answer. */
function usualMsOf(others: readonly Source[]): number {
  return Math.min(...others.map(({ pace }) => (pace.isKnown ? pace.overdueMs() : Number.POSITIVE_INFINITY)))
}
