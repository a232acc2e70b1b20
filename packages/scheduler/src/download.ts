import assert from 'node:assert/strict'
import { ChunkBoard, MISSING, PLACED, RECEIVED, REQUESTED } from './chunk-board.ts'
import type {
  ChunkCatalogue,
  DownloadEffect,
  DownloadInit,
  DownloadInput,
  DropReason,
  RefusalCode,
  SlowReason,
  SourceId,
  StallReason,
} from './download-types.ts'
import { HostPace } from './host-pace.ts'
import {
  BAD_CHUNKS_OF_LAST_SOURCE_MAX,
  COMPLETE_SOURCES_ENOUGH,
  HOST_LATE_MS_MAX,
  REFUSALS_IN_A_ROW_MAX,
  REFUSED_PAUSE_MS,
  REQUEST_DEADLINE_MS,
  SHARE_PATIENCE_MS,
  SHARERS_MAX,
  STALL_AFTER_MS,
  UNPLACED_BYTES_MAX,
} from './limits.ts'
import { RateBudget } from './rate-budget.ts'
import { Requests } from './requests.ts'
import { Source } from './source.ts'
import { SourceWatch } from './source-watch.ts'

/**
 * One snapshot download as a state machine: the same inputs in the same order, with the same random stream, give the same effects.
 *
 * Invariants:
 * - a chunk is awaited from one source, from two when it is overdue (`Hedges`), so whoever sends a bad one is known;
 * - bytes asked for and not yet placed stay within the common window ({@link HostPace}), and per source within its window;
 * - a source that is much slower than the others, or has stalled, is dropped for a while ({@link SourceWatch}), but never one that
 *   alone has what is missing;
 * - the last source is never banned: after {@link BAD_CHUNKS_OF_LAST_SOURCE_MAX} bad chunks the download fails instead.
 */
export class Download {
  readonly #catalogue: ChunkCatalogue
  readonly #self: SourceId
  readonly #board: ChunkBoard
  readonly #sources = new Map<SourceId, Source>()
  #sharers: readonly Source[] = []
  readonly #requests: Requests
  readonly #rate: RateBudget
  readonly #pace = new HostPace()
  /** Chunks that arrived and are not placed, with the time of their arrival, the oldest first. */
  readonly #unplaced = new Map<number, number>()
  /** Bytes of chunks received and not yet placed. */
  #unplacedBytes = 0
  readonly #watch: SourceWatch
  /** Which source is asked first at the next step. */
  #turn = 0
  #lastProgressMs: number
  #ended = false

  constructor(init: DownloadInit) {
    const { catalogue, have, random } = init
    assert(have.size === catalogue.chunksCount, 'the bitmap covers the catalogue')
    this.#self = init.self
    this.#catalogue = catalogue
    this.#board = new ChunkBoard(catalogue, have, random, this.#sources)
    this.#rate = new RateBudget(init.bytesPerSecondMax ?? Number.POSITIVE_INFINITY, init.now)
    this.#lastProgressMs = init.now
    this.#requests = new Requests(catalogue, this.#board, this.#rate, this.#sources)
    this.#watch = new SourceWatch(catalogue, this.#board, this.#sources)
  }

  get placedCount(): number {
    return this.#board.placedCount
  }

  get isComplete(): boolean {
    return this.#board.placedCount === this.#catalogue.chunksCount
  }

  get sourcesCount(): number {
    return this.#sources.size
  }

  /** Bytes asked for and not yet placed. */
  get outBytes(): number {
    return this.#requests.outBytes
  }

  /** What about this machine makes it ask for less than it could; `undefined` at full speed. */
  get slowed(): SlowReason | undefined {
    return this.#pace.reason
  }

  /** Whether chunk `chunk` arriving now from `source` would be used: it was asked of it, and nobody else was faster. */
  isReceivable(source: SourceId, chunk: number): boolean {
    const state = this.#board.state(chunk)
    return (state === MISSING || state === REQUESTED) && this.#sources.get(source)?.outstanding.has(chunk) === true
  }

  /** Applies one input and says what must now be done. After `complete` or `failed` every input gives nothing. */
  step(input: DownloadInput): readonly DownloadEffect[] {
    if (this.#ended) return []
    const effects: DownloadEffect[] = []
    this.#apply(input, effects)
    if (this.#ended) return effects
    if (this.isComplete) {
      this.#ended = true
      effects.push({ type: 'complete' })
      return effects
    }
    this.#divide(input.now)
    this.#fill(input.now, effects)
    return effects
  }

  /** Why nothing has arrived for {@link STALL_AFTER_MS}; `undefined` while something does. */
  stall(now: number): StallReason | undefined {
    if (this.isComplete || now - this.#lastProgressMs < STALL_AFTER_MS) return undefined
    if (this.#areOffersDue([...this.#sources.values()], now)) return undefined
    if (this.#sources.size === 0) return 'no-source'
    if (this.outBytes === 0) return this.#rate.roomBytes(now) <= 0 ? 'rate-limited' : 'no-source-has-it'
    return this.#requests.isEmpty ? 'placing-slow' : 'sources-slow'
  }

  #apply(input: DownloadInput, effects: DownloadEffect[]): void {
    switch (input.type) {
      case 'source-joined':
        return this.#sourceJoined(input, effects)
      case 'source-has':
        return this.#sourceHas(input.source, input.chunks, input.now)
      case 'source-offers':
        return this.#sourceOffers(input)
      case 'source-left':
        return this.#sourceLeft(input.source, input.now)
      case 'received':
        return this.#received(input, effects)
      case 'bad':
        return this.#bad(input.source, input.chunk, input.now, effects)
      case 'unusable':
        return this.#takeBack(input.chunk)
      case 'refused':
        return this.#refused(input.source, input.chunk, input.code, input.now, effects)
      case 'delivered':
        return this.#delivered(input.chunk, input.now)
      case 'lost':
        for (const chunk of input.chunks) this.#board.markLost(chunk)
        return
      case 'prefer':
        for (const chunk of input.chunks) this.#board.prefer(chunk)
        return
      case 'tick':
        this.#pace.observe(input.lateMs ?? 0, this.#unplacedMs(input.now))
        // After a pause of our own, what came meanwhile has yet to be read: nobody is judged by it.
        if ((input.lateMs ?? 0) <= HOST_LATE_MS_MAX) this.#judge(input.now, effects)
        return this.#expire(input.now, effects)
      default:
        return input satisfies never
    }
  }

  /** Each in turn: where the rate or the common window bounds what is asked, it is not always the same source that gets it. */
  #fill(now: number, effects: DownloadEffect[]): void {
    const sources = [...this.#sources.values()]
    const first = this.#turn
    const areEnough = sources.filter((source) => !source.isLastResort && source.servesAll(now)).length >= COMPLETE_SOURCES_ENOUGH
    const isSpared = (source: Source): boolean => source.isLastResort && areEnough
    const areOffersKept = this.#board.offers.areKept(now, (source) => !isSpared(source))
    const areOffersDue = this.#areOffersDue(
      sources.filter((source) => !isSpared(source)),
      now,
    )
    for (let i = 0; i < sources.length && this.#unplacedBytes <= UNPLACED_BYTES_MAX; i++) {
      const at = (first + i) % sources.length
      if (isSpared(sources[at]!)) continue
      const before = effects.length
      this.#requests.fill(sources[at]!, { windowBytes: this.#pace.windowBytes, areOffersKept, areOffersDue }, now, effects)
      if (effects.length > before) this.#turn = at + 1
    }
  }

  /** Whether one of `sources` is making deltas, and is waited for. */
  #areOffersDue(sources: readonly Source[], now: number): boolean {
    return sources.some((source) => source.isPreparing && source.isAnswering(now))
  }

  #sourceJoined(input: Extract<DownloadInput, { type: 'source-joined' }>, effects: DownloadEffect[]): void {
    const { source: id, have, isLastResort, now } = input
    if (have !== 'complete') assert(have.size === this.#catalogue.chunksCount, 'the bitmap covers the catalogue')
    if (this.#sources.has(id)) this.#sourceLeft(id, now)
    const source = new Source(id, have, this.#board.currentKey, now, isLastResort)
    this.#sources.set(id, source)
    if (have !== 'complete') for (const chunk of have.indices()) this.#board.addHolder(chunk, source)
    // A source that sent bad chunks was kept only because it was the last one: now it is not.
    for (const other of this.#sources.values()) {
      if (other.badChunks > 0 && other !== source) this.#dismiss(other, undefined, now, effects)
    }
  }

  #sourceHas(id: SourceId, chunks: readonly number[], now: number): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    source.gained(chunks.length, now)
    for (const chunk of chunks) {
      if (chunk >= this.#catalogue.chunksCount || source.has(chunk)) continue
      // It may have said `not-found` before: a cache that mends a damaged block has it again.
      source.lacks.delete(chunk)
      if (source.have === undefined) continue
      source.have.set(chunk)
      this.#board.addHolder(chunk, source)
    }
  }

  #sourceOffers({ source: id, sizes, isPreparing = false }: Extract<DownloadInput, { type: 'source-offers' }>): void {
    const source = this.#sources.get(id)
    // Whoever fetches the same itself hands on what it has, in whatever frames that came.
    if (source === undefined || source.have !== undefined) return
    source.isPreparing = isPreparing
    this.#board.addOffers(source, sizes)
  }

  #sourceLeft(id: SourceId, now: number): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    this.#sources.delete(id)
    this.#board.removeOffers(source)
    for (const request of source.outstanding.values()) this.#requests.withdraw(request, now)
    if (source.have !== undefined) {
      for (const chunk of source.have.indices()) if (!source.lacks.has(chunk)) this.#board.removeHolder(chunk)
    }
  }

  #received(input: Extract<DownloadInput, { type: 'received' }>, effects: DownloadEffect[]): void {
    const { source: id, chunk, now } = input
    const source = this.#sources.get(id)
    const request = source?.outstanding.get(chunk)
    if (source === undefined || request === undefined) return
    const bytes = this.#catalogue.chunkBytes(chunk)
    const frameBytes = input.frameBytes ?? bytes
    source.pace.arrived(bytes, frameBytes, now - request.sinceMs, now)
    source.window.received(bytes, now, now - request.sinceMs, source.pace.bytesPerSecond(now))
    source.refusalsInARow = 0
    source.hasTimedOut = false
    this.#lastProgressMs = now
    this.#requests.arrived(request, frameBytes)
    source.pace.answered(source.outstanding.size > 0, now)
    if (source.standing === 'probation' && !request.expired) this.#endProbation(source, now, effects)
    const state = this.#board.state(chunk)
    if (state === RECEIVED || state === PLACED) {
      this.#requests.arrivedTwice(chunk)
      return
    }
    this.#board.markReceived(chunk)
    this.#unplacedBytes += bytes
    this.#unplaced.set(chunk, now)
    this.#requests.cancelAll(chunk, effects)
  }

  #bad(id: SourceId, chunk: number, now: number, effects: DownloadEffect[]): void {
    this.#takeBack(chunk)
    const source = this.#sources.get(id)
    if (source === undefined) return
    if (this.#sources.size > 1) {
      this.#dismiss(source, chunk, now, effects)
      return
    }
    effects.push({ type: 'penalize', source: id, fault: 'bad-chunk', chunk, ban: false })
    // What was on its way when the first bad chunk came says nothing new, and must not end the download before others had time to connect.
    if (now < source.pausedUntilMs) return
    source.badChunks += 1
    if (source.badChunks >= BAD_CHUNKS_OF_LAST_SOURCE_MAX) {
      this.#ended = true
      effects.push({ type: 'failed', source: id, chunk })
      return
    }
    source.pausedUntilMs = now + REFUSED_PAUSE_MS
  }

  /** What arrived is of no use: the chunk is missing again. */
  #takeBack(chunk: number): void {
    if (this.#board.state(chunk) !== RECEIVED) return
    this.#unplacedBytes -= this.#catalogue.chunkBytes(chunk)
    this.#requests.released(chunk)
    this.#unplaced.delete(chunk)
    this.#board.markMissing(chunk)
  }

  #refused(id: SourceId, chunk: number, code: RefusalCode, now: number, effects: DownloadEffect[]): void {
    const source = this.#sources.get(id)
    const request = source?.outstanding.get(chunk)
    if (source === undefined || request === undefined) return
    source.window.released(this.#catalogue.chunkBytes(chunk))
    this.#requests.withdraw(request, now)
    source.pace.answered(source.outstanding.size > 0, now)
    switch (code) {
      case 'cancelled':
        return
      case 'not-found':
        // It does not have what it said it has: never ask it for this chunk again.
        if (source.has(chunk) && source.have !== undefined) this.#board.removeHolder(chunk)
        source.lacks.add(chunk)
        break
      case 'busy':
      case 'internal':
        source.pausedUntilMs = Math.max(source.pausedUntilMs, now + REFUSED_PAUSE_MS / 4)
        break
      default:
        code satisfies never
    }
    source.refusalsInARow += 1
    if (source.refusalsInARow < REFUSALS_IN_A_ROW_MAX) return
    source.refusalsInARow = 0
    source.pausedUntilMs = now + REFUSED_PAUSE_MS
    effects.push({ type: 'penalize', source: id, fault: 'refused-too-often', chunk, ban: false })
  }

  #delivered(chunk: number, now: number): void {
    assert(this.#board.state(chunk) === RECEIVED, 'only a received chunk is delivered')
    this.#board.markPlaced(chunk)
    this.#unplacedBytes -= this.#catalogue.chunkBytes(chunk)
    this.#unplaced.delete(chunk)
    this.#requests.released(chunk)
    this.#lastProgressMs = now
  }

  /** Age of the oldest chunk that arrived and is not placed. */
  #unplacedMs(now: number): number {
    for (const sinceMs of this.#unplaced.values()) return now - sinceMs
    return 0
  }

  #expire(now: number, effects: DownloadEffect[]): void {
    for (const source of this.#sources.values()) {
      for (const request of source.outstanding.values()) {
        if (request.expired || now - request.sinceMs < REQUEST_DEADLINE_MS) continue
        if (!source.hasTimedOut) {
          source.hasTimedOut = true
          effects.push({ type: 'penalize', source: source.id, fault: 'timeout', chunk: request.chunk, ban: false })
        }
        this.#requests.giveUp(request, now)
      }
    }
  }

  /** Drops whom the join is better off without, and takes back whom it needs after all. */
  #judge(now: number, effects: DownloadEffect[]): void {
    for (const source of this.#sources.values()) {
      const reason = this.#watch.verdict(source, now)
      if (reason !== undefined) {
        const [chunk = -1] = source.outstanding.keys()
        // Being slow is no fault.
        if (reason !== 'too-slow') effects.push({ type: 'penalize', source: source.id, fault: reason, chunk, ban: false })
        this.#drop(source, reason, now, effects)
      } else if (source.standing !== 'live' && !this.#watch.isCovered(source)) {
        this.#restore(source, now, effects)
      }
    }
  }

  #drop(source: Source, reason: DropReason, now: number, effects: DownloadEffect[]): void {
    const figures = this.#watch.figures(source, now)
    const retryInMs = source.drop(now)
    this.#board.removeOffers(source)
    effects.push({ type: 'source-dropped', source: source.id, reason, ...figures, retryInMs })
    for (const request of source.outstanding.values()) this.#requests.abandon(request, now, effects)
  }

  #restore(source: Source, now: number, effects: DownloadEffect[]): void {
    source.restore(now)
    effects.push({ type: 'source-restored', source: source.id })
  }

  #endProbation(source: Source, now: number, effects: DownloadEffect[]): void {
    if (this.#watch.isSlow(source, now, 0) && this.#watch.isCovered(source)) this.#drop(source, 'too-slow', now, effects)
    else this.#restore(source, now, effects)
  }

  /** Shares the work anew when those who take part in it have changed. */
  #divide(now: number): void {
    const sharers: Source[] = []
    for (const source of this.#sources.values()) {
      const isSharing = source.have !== undefined && !source.have.isFull() && now - source.lastGainMs < SHARE_PATIENCE_MS
      if (isSharing && sharers.length < SHARERS_MAX) sharers.push(source)
    }
    if (sharers.length === this.#sharers.length && sharers.every((source, i) => source === this.#sharers[i])) return
    this.#sharers = sharers
    this.#board.share(this.#self, sharers)
  }

  #dismiss(source: Source, chunk: number | undefined, now: number, effects: DownloadEffect[]): void {
    const figures = this.#watch.figures(source, now)
    this.#sourceLeft(source.id, now)
    effects.push(
      { type: 'penalize', source: source.id, fault: 'bad-chunk', chunk: chunk ?? -1, ban: true },
      { type: 'source-dropped', source: source.id, reason: 'bad-chunk', ...figures },
    )
  }
}
