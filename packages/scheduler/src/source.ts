import type { Bitmap } from '@cairn/protocol'
import { ChunkQueue } from './chunk-queue.ts'
import type { SourceId } from './download-types.ts'
import { DROPPED_MS, DROPPED_MS_MAX, OFFERS_PASSED_OVER_MAX } from './limits.ts'
import { PeerWindow } from './peer-window.ts'
import type { OutstandingRequest } from './request-book.ts'
import { ResponsePace } from './response-pace.ts'

/** A pace over less than this says nothing. */
const PACE_MS_MIN = 500

/**
 * What a source is good for: `live` is asked for as much as its window holds, `dropped` for nothing, and one on `probation` after that
 * for one small request at a time.
 */
export type Standing = 'live' | 'dropped' | 'probation'

/** The scheduler's books on one source. */
export class Source {
  readonly id: SourceId
  readonly window = new PeerWindow()
  readonly pace = new ResponsePace()
  /** What it was asked for and has not answered, the oldest first. */
  readonly outstanding = new Map<number, OutstandingRequest>()
  /** Chunks this source has and nobody was asked for; `undefined` for a complete source, which draws from the common queue. */
  readonly queue: ChunkQueue | undefined
  readonly have: Bitmap | undefined
  /** Whether it is asked only while too few others have everything. */
  readonly isLastResort: boolean
  /** Chunks that it sends in much fewer bytes than others would. */
  readonly offers = new Set<number>()
  /** Whether it is making more of them. */
  isPreparing = false
  /** Chunks it answered `not-found` for. */
  readonly lacks = new Set<number>()
  refusalsInARow = 0
  badChunks = 0
  /** Let a deadline pass and has not delivered since. */
  hasTimedOut = false
  /** Nothing is asked of it before this time. */
  pausedUntilMs = 0
  readonly #joinedMs: number
  #lastGainMs: number
  #gainedCount = 0
  #standing: Standing = 'live'
  #dropsCount = 0
  #droppedUntilMs = 0
  #restoredMs: number

  constructor(id: SourceId, have: 'complete' | Bitmap, keyOf: (chunk: number) => number | undefined, now: number, isLastResort = false) {
    this.#joinedMs = now
    this.#lastGainMs = now
    this.#restoredMs = now
    this.id = id
    this.isLastResort = isLastResort
    if (have !== 'complete') {
      this.have = have.clone()
      this.queue = new ChunkQueue(keyOf)
    }
  }

  has(chunk: number): boolean {
    return !this.lacks.has(chunk) && (this.have === undefined || this.have.get(chunk))
  }

  /** Whether it has every chunk. */
  get hasAll(): boolean {
    return this.lacks.size === 0 && (this.have === undefined || this.have.isFull())
  }

  /** Whether it has every chunk, and answers. */
  servesAll(now: number): boolean {
    return this.hasAll && this.isAnswering(now)
  }

  /** The first chunk out of `pop` that it can be asked for; those passed over, such as an expired request of its own, are put back. */
  firstOf(pop: () => number | undefined, putBack: (chunk: number) => void): number | undefined {
    return this.#first(pop, putBack, (chunk) => !this.outstanding.has(chunk) && this.has(chunk))
  }

  /** The same of what it offers, not far from the front. */
  firstOffered(pop: () => number | undefined, putBack: (chunk: number) => void): number | undefined {
    let left = OFFERS_PASSED_OVER_MAX
    const next = (): number | undefined => (left-- > 0 ? pop() : undefined)
    return this.#first(next, putBack, (chunk) => this.offers.has(chunk) && !this.outstanding.has(chunk) && this.has(chunk))
  }

  #first(pop: () => number | undefined, putBack: (chunk: number) => void, isFit: (chunk: number) => boolean): number | undefined {
    const passedOver: number[] = []
    let chunk = pop()
    while (chunk !== undefined && !isFit(chunk)) {
      passedOver.push(chunk)
      chunk = pop()
    }
    for (const other of passedOver) putBack(other)
    return chunk
  }

  /** Whether it is asked, and owes nothing for longer than is usual for it. */
  isAnswering(now: number): boolean {
    return this.#standing === 'live' && now >= this.pausedUntilMs && !this.isSilent(now)
  }

  get standing(): Standing {
    return this.#standing
  }

  /** Whether it owes answers and gives none for longer than is usual for it: it is asked for no more until it does. */
  isSilent(now: number): boolean {
    return this.pace.silentMs(now) >= this.pace.overdueMs()
  }

  /** Nothing is asked of it for a while: twice as long as the last time, unless it has been good for longer than that. Returns the while. */
  drop(now: number): number {
    const lastMs = DROPPED_MS * 2 ** (this.#dropsCount - 1)
    if (this.#standing === 'live' && now - this.#restoredMs > 2 * lastMs) this.#dropsCount = 0
    const whileMs = Math.min(DROPPED_MS_MAX, DROPPED_MS * 2 ** this.#dropsCount)
    this.#dropsCount += 1
    this.#droppedUntilMs = now + whileMs
    this.#standing = 'dropped'
    return whileMs
  }

  /** Whether it may be tried again: its time is over, and it has answered all it was asked for, if only with refusals. */
  mayBeTried(now: number): boolean {
    return this.#standing === 'dropped' && now >= this.#droppedUntilMs && this.outstanding.size === 0
  }

  /** Tries it with little. */
  tryAgain(): void {
    this.#standing = 'probation'
    this.pace.restart()
    this.window.restart()
  }

  /** It is asked like the others again. */
  restore(now: number): void {
    this.#standing = 'live'
    this.#restoredMs = now
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
