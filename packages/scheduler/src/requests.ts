import { type ChunkBoard, MISSING, REQUESTED } from './chunk-board.ts'
import type { ChunkCatalogue, DownloadEffect, SourceId } from './download-types.ts'
import { Hedges } from './hedges.ts'
import { REQUEST_BYTES_MAX, REQUEST_CHUNKS_MAX, REQUEST_DEADLINE_MS, SHARE_HORIZON_MS } from './limits.ts'
import type { RateBudget } from './rate-budget.ts'
import { type OutstandingRequest, RequestBook } from './request-book.ts'
import type { Source } from './source.ts'

/** What a source is asked within. */
export interface FillTerms {
  readonly windowBytes: number
  /** What others offer in fewer bytes is left to them. */
  readonly areOffersKept: boolean
  /** More offers are to come: what nobody has offered, and nobody waits for, is not asked for yet. */
  readonly areOffersDue: boolean
}

/** Puts requests, takes them back, and keeps the books on the bytes that are out. */
export class Requests {
  readonly #catalogue: ChunkCatalogue
  readonly #board: ChunkBoard
  readonly #rate: RateBudget
  readonly #book = new RequestBook()
  readonly #hedges: Hedges
  #outBytes = 0

  constructor(catalogue: ChunkCatalogue, board: ChunkBoard, rate: RateBudget, sources: ReadonlyMap<SourceId, Source>) {
    this.#catalogue = catalogue
    this.#board = board
    this.#rate = rate
    this.#hedges = new Hedges(catalogue, board, this.#book, sources)
  }

  /** Bytes asked for and not yet placed. */
  get outBytes(): number {
    return this.#outBytes
  }

  /** Whether nobody owes anything. */
  get isEmpty(): boolean {
    return this.#book.isEmpty
  }

  /**
   * Asks `source` for the most urgent chunks it has, as far as its window allows and what is out stays within `windowBytes`.
   */
  fill(source: Source, terms: FillTerms, now: number, effects: DownloadEffect[]): void {
    if (!this.#mayAsk(source, now)) return
    // Many small requests cost more than few large ones: wait until a quarter of a request fits, unless the source or somebody waits.
    const isAwaited = source.outstanding.size === 0 || this.#board.urgentMissingCount > 0
    const roomBytesMin = isAwaited ? 0 : Math.min(REQUEST_BYTES_MAX, source.window.windowBytes) / 4
    for (;;) {
      const roomBytes = Math.min(source.window.roomBytes, terms.windowBytes - this.#outBytes)
      if (roomBytes <= 0 || roomBytes < roomBytesMin) return
      const rateBytes = this.#rate.roomBytes(now)
      if (rateBytes <= 0) return
      const chunks = this.#take(source, Math.min(roomBytes, rateBytes, REQUEST_BYTES_MAX), terms, now)
      if (chunks.length === 0) return
      effects.push({ type: 'request', source: source.id, chunks, deadlineMs: REQUEST_DEADLINE_MS })
    }
  }

  /** The chunk of `request` arrived, in `frameBytes`; its bytes stay counted as out until {@link released}. */
  arrived(request: OutstandingRequest, frameBytes: number): void {
    if (!request.isCounted) this.#count(request)
    this.#rate.refund(this.#catalogue.chunkBytes(request.chunk) - frameBytes)
    this.#book.remove(request)
  }

  /** `chunk` arrived and was not needed any more. */
  arrivedTwice(chunk: number): void {
    this.#hedges.spent(chunk)
    this.released(chunk)
  }

  /** `chunk`, which arrived, is placed or thrown away. */
  released(chunk: number): void {
    this.#outBytes -= this.#catalogue.chunkBytes(chunk)
  }

  /** The chunk of an unanswered request is to come from elsewhere; the request stays on the books until its source answers. */
  giveUp(request: OutstandingRequest, now: number): void {
    const { source, chunk, sinceMs } = request
    request.expired = true
    this.#board.withdrawOffer(source, chunk)
    if (this.#board.state(chunk) === REQUESTED && this.#book.awaitedCount(chunk) === 0) this.#board.markMissing(chunk, now - sinceMs)
  }

  /** The source of `request` is dropped: what it owes neither holds room that others could fill, nor is waited for. */
  abandon(request: OutstandingRequest, now: number, effects: DownloadEffect[]): void {
    this.giveUp(request, now)
    this.cancel(request, effects)
    this.#discount(request)
  }

  /** Takes a request that will not be answered with its chunk off the books. */
  withdraw(request: OutstandingRequest, now: number): void {
    this.#discount(request)
    this.#book.remove(request)
    this.#hedges.spared(request.chunk)
    this.giveUp(request, now)
  }

  /** Tells the source of `request` not to send its chunk any more. */
  cancel(request: OutstandingRequest, effects: DownloadEffect[]): void {
    if (request.cancelled) return
    request.cancelled = true
    effects.push({ type: 'cancel', source: request.source.id, chunk: request.chunk })
  }

  /** Cancels whatever else is out for `chunk`. */
  cancelAll(chunk: number, effects: DownloadEffect[]): void {
    for (const request of this.#book.of(chunk)) this.cancel(request, effects)
  }

  #mayAsk(source: Source, now: number): boolean {
    if (source.pausedUntilMs > now || source.isSilent(now)) return false
    if (source.standing === 'live') return true
    // Whoever is tried again is tried with what nobody waits for.
    if (this.#board.missingCount === 0 || this.#board.urgentMissingCount > 0) return false
    if (source.mayBeTried(now)) source.tryAgain()
    return source.standing === 'probation' && source.outstanding.size === 0
  }

  #take(source: Source, budgetBytes: number, terms: FillTerms, now: number): number[] {
    const chunks: number[] = []
    let bytes = 0
    while (bytes < budgetBytes && chunks.length < REQUEST_CHUNKS_MAX) {
      const chunk = this.#nextFor(source, terms, now)
      if (chunk === undefined) break
      bytes += this.#catalogue.chunkBytes(chunk)
      this.#request(source, chunk, now)
      chunks.push(chunk)
    }
    return chunks
  }

  #nextFor(source: Source, { areOffersKept, areOffersDue }: FillTerms, now: number): number | undefined {
    const overdue = source.standing === 'live' ? this.#hedges.chunkFor(source, now) : undefined
    if (overdue !== undefined || this.#board.missingCount === 0) return overdue
    if (source.queue !== undefined)
      return source.firstOf(
        () => source.queue?.pop(),
        () => {},
      )
    const putBack = (chunk: number): void => this.#board.putBack(chunk)
    const { common, offered } = this.#board
    const offer = source.offers.size === 0 ? undefined : source.firstOffered(() => offered.pop(), putBack)
    const own = offer ?? source.firstOf(() => (areOffersDue ? this.#popUrgent() : common.pop()), putBack)
    // Of another peer's share, too, whoever has no delta would send frames.
    if (own !== undefined || areOffersDue || (areOffersKept && source.offers.size === 0)) return own
    const kept = areOffersKept ? undefined : source.firstOf(() => offered.pop(), putBack)
    return kept ?? source.firstOf(() => this.#board.popForeign(now, SHARE_HORIZON_MS), putBack)
  }

  /** The next chunk that somebody waits for, who does not wait for a delta. */
  #popUrgent(): number | undefined {
    if (this.#board.urgentMissingCount === 0) return undefined
    const chunk = this.#board.common.pop()
    if (chunk === undefined || this.#board.isUrgent(chunk)) return chunk
    this.#board.putBack(chunk)
    return undefined
  }

  #request(source: Source, chunk: number, now: number): void {
    const request = { source, chunk, sinceMs: now, expired: false, cancelled: false, isCounted: false }
    this.#book.add(request)
    this.#count(request)
    source.pace.asked(now)
    source.window.requested(this.#catalogue.chunkBytes(chunk))
    if (this.#board.state(chunk) === MISSING) this.#board.markRequested(chunk)
  }

  #count(request: OutstandingRequest): void {
    const bytes = this.#catalogue.chunkBytes(request.chunk)
    request.isCounted = true
    this.#outBytes += bytes
    this.#rate.spend(bytes)
  }

  #discount(request: OutstandingRequest): void {
    if (!request.isCounted) return
    const bytes = this.#catalogue.chunkBytes(request.chunk)
    request.isCounted = false
    this.#outBytes -= bytes
    this.#rate.refund(bytes)
  }
}
