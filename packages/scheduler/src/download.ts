import assert from 'node:assert/strict'
import type { Bitmap } from '@cairn/protocol'
import { ChunkBoard, MISSING, PLACED, RECEIVED, REQUESTED } from './chunk-board.ts'
import type {
  ChunkCatalogue,
  DownloadEffect,
  DownloadInit,
  DownloadInput,
  RefusalCode,
  SlowReason,
  SourceId,
  StallReason,
} from './download-types.ts'
import { Endgame } from './endgame.ts'
import { HostPace } from './host-pace.ts'
import {
  BAD_CHUNKS_OF_LAST_SOURCE_MAX,
  REFUSALS_IN_A_ROW_MAX,
  REFUSED_PAUSE_MS,
  REQUEST_BYTES_MAX,
  REQUEST_CHUNKS_MAX,
  REQUEST_DEADLINE_MS,
  SHARE_HORIZON_MS,
  SHARE_PATIENCE_MS,
  SHARERS_MAX,
  STALL_AFTER_MS,
  UNPLACED_BYTES_MAX,
} from './limits.ts'
import { RateBudget } from './rate-budget.ts'
import { type OutstandingRequest, Source } from './source.ts'

/**
 * One snapshot download as a state machine: the same inputs in the same order, with the same random stream, give the same effects.
 *
 * Invariants:
 * - a chunk is out at one source, in the end-game at two, so whoever sends a bad one is known;
 * - bytes asked for and not yet placed stay within the common window ({@link HostPace}), and per source within its window;
 * - the last source is never banned: after {@link BAD_CHUNKS_OF_LAST_SOURCE_MAX} bad chunks the download fails instead.
 */
export class Download {
  readonly #catalogue: ChunkCatalogue
  readonly #self: SourceId
  readonly #board: ChunkBoard
  readonly #sources = new Map<SourceId, Source>()
  #sharers: readonly Source[] = []
  readonly #requests = new Map<number, OutstandingRequest[]>()
  readonly #rate: RateBudget
  readonly #pace = new HostPace()
  /** Chunks that arrived and are not placed, with the time of their arrival, the oldest first. */
  readonly #unplaced = new Map<number, number>()
  #outBytes = 0
  /** Bytes of chunks received and not yet placed. */
  #unplacedBytes = 0
  readonly #endgame: Endgame
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
    this.#endgame = new Endgame(catalogue, this.#board)
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
    return this.#outBytes
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
    for (const source of this.#sources.values()) this.#fill(source, input.now, effects)
    return effects
  }

  /** Why nothing has arrived for {@link STALL_AFTER_MS}; `undefined` while something does. */
  stall(now: number): StallReason | undefined {
    if (this.isComplete || now - this.#lastProgressMs < STALL_AFTER_MS) return undefined
    if (this.#sources.size === 0) return 'no-source'
    if (this.#outBytes === 0) return this.#rate.roomBytes(now) <= 0 ? 'rate-limited' : 'no-source-has-it'
    for (const requests of this.#requests.values()) if (requests.length > 0) return 'sources-slow'
    return 'placing-slow'
  }

  #apply(input: DownloadInput, effects: DownloadEffect[]): void {
    switch (input.type) {
      case 'source-joined':
        return this.#sourceJoined(input.source, input.have, input.now, effects)
      case 'source-has':
        return this.#sourceHas(input.source, input.chunks, input.now)
      case 'source-left':
        return this.#sourceLeft(input.source)
      case 'received':
        return this.#received(input, effects)
      case 'bad':
        return this.#bad(input.source, input.chunk, input.now, effects)
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
        return this.#expire(input.now, effects)
      default:
        return input satisfies never
    }
  }

  #sourceJoined(id: SourceId, have: 'complete' | Bitmap, now: number, effects: DownloadEffect[]): void {
    if (have !== 'complete') assert(have.size === this.#catalogue.chunksCount, 'the bitmap covers the catalogue')
    if (this.#sources.has(id)) this.#sourceLeft(id)
    const source = new Source(id, have, this.#board.currentKey, now)
    this.#sources.set(id, source)
    if (have !== 'complete') for (const chunk of have.indices()) this.#board.addHolder(chunk, source)
    // A source that sent bad chunks was kept only because it was the last one: now it is not.
    for (const other of this.#sources.values()) {
      if (other.badChunks > 0 && other !== source) this.#dismiss(other, undefined, effects)
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

  #sourceLeft(id: SourceId): void {
    const source = this.#sources.get(id)
    if (source === undefined) return
    this.#sources.delete(id)
    for (const request of source.outstanding.values()) this.#dropRequest(request)
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
    this.#rate.refund(bytes - (input.frameBytes ?? bytes))
    source.window.received(bytes, now, now - request.sinceMs)
    source.refusalsInARow = 0
    source.snubbed = false
    this.#lastProgressMs = now
    this.#forgetRequest(source, request)
    const state = this.#board.state(chunk)
    if (state === RECEIVED || state === PLACED) {
      this.#outBytes -= bytes
      return
    }
    this.#board.markReceived(chunk)
    this.#unplacedBytes += this.#catalogue.chunkBytes(chunk)
    this.#unplaced.set(chunk, now)
    for (const other of this.#requests.get(chunk) ?? []) effects.push({ type: 'cancel', source: other.source, chunk })
  }

  #bad(id: SourceId, chunk: number, now: number, effects: DownloadEffect[]): void {
    if (this.#board.state(chunk) === RECEIVED) {
      this.#unplacedBytes -= this.#catalogue.chunkBytes(chunk)
      this.#outBytes -= this.#catalogue.chunkBytes(chunk)
      this.#unplaced.delete(chunk)
      this.#board.markMissing(chunk)
    }
    const source = this.#sources.get(id)
    if (source === undefined) return
    if (this.#sources.size > 1) {
      this.#dismiss(source, chunk, effects)
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

  #refused(id: SourceId, chunk: number, code: RefusalCode, now: number, effects: DownloadEffect[]): void {
    const source = this.#sources.get(id)
    const request = source?.outstanding.get(chunk)
    if (source === undefined || request === undefined) return
    source.window.released(this.#catalogue.chunkBytes(chunk))
    source.outstanding.delete(chunk)
    this.#dropRequest(request)
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
    this.#outBytes -= this.#catalogue.chunkBytes(chunk)
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
        request.expired = true
        if (!source.snubbed) {
          source.snubbed = true
          effects.push({ type: 'penalize', source: source.id, fault: 'timeout', chunk: request.chunk, ban: false })
        }
        const live = (this.#requests.get(request.chunk) ?? []).some((other) => !other.expired)
        if (this.#board.state(request.chunk) === REQUESTED && !live) this.#board.markMissing(request.chunk)
      }
    }
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

  /** Asks `source` for the most urgent chunks it has, as far as its window and the common one allow. */
  #fill(source: Source, now: number, effects: DownloadEffect[]): void {
    if (source.pausedUntilMs > now || source.snubbed || this.#unplacedBytes > UNPLACED_BYTES_MAX) return
    // Many small requests cost more than few large ones: wait until a quarter of a request fits, unless the source or somebody waits.
    const isAwaited = source.outstanding.size === 0 || this.#board.urgentMissingCount > 0
    const roomBytesMin = isAwaited ? 0 : Math.min(REQUEST_BYTES_MAX, source.window.windowBytes) / 4
    for (;;) {
      const roomBytes = Math.min(source.window.roomBytes, this.#pace.windowBytes - this.#outBytes)
      if (roomBytes <= 0 || roomBytes < roomBytesMin) return
      const rateBytes = this.#rate.roomBytes(now)
      if (rateBytes <= 0) return
      const chunks = this.#take(source, Math.min(roomBytes, rateBytes, REQUEST_BYTES_MAX), now)
      if (chunks.length === 0) return
      effects.push({ type: 'request', source: source.id, chunks, deadlineMs: REQUEST_DEADLINE_MS })
    }
  }

  #take(source: Source, budgetBytes: number, now: number): number[] {
    const chunks: number[] = []
    let bytes = 0
    while (bytes < budgetBytes && chunks.length < REQUEST_CHUNKS_MAX) {
      const chunk = this.#nextFor(source, now)
      if (chunk === undefined) break
      bytes += this.#catalogue.chunkBytes(chunk)
      this.#request(source, chunk, now)
      chunks.push(chunk)
    }
    return chunks
  }

  #nextFor(source: Source, now: number): number | undefined {
    if (this.#board.missingCount === 0) return this.#endgame.chunkFor(source, this.#requests, now)
    if (source.queue !== undefined)
      return source.firstOf(
        () => source.queue?.pop(),
        () => {},
      )
    const putBack = (chunk: number): void => this.#board.putBack(chunk)
    return (
      source.firstOf(() => this.#board.common.pop(), putBack) ??
      source.firstOf(() => this.#board.popForeign(now, SHARE_HORIZON_MS), putBack)
    )
  }

  #request(source: Source, chunk: number, now: number): void {
    const bytes = this.#catalogue.chunkBytes(chunk)
    const request: OutstandingRequest = { source: source.id, chunk, sinceMs: now, expired: false }
    source.outstanding.set(chunk, request)
    source.window.requested(bytes)
    this.#outBytes += bytes
    this.#rate.spend(bytes)
    const requests = this.#requests.get(chunk)
    if (requests === undefined) this.#requests.set(chunk, [request])
    else requests.push(request)
    if (this.#board.state(chunk) === MISSING) this.#board.markRequested(chunk)
  }

  /** A request that will not be answered any more: the chunk becomes missing unless it is out elsewhere. */
  #dropRequest(request: OutstandingRequest): void {
    const { chunk } = request
    this.#outBytes -= this.#catalogue.chunkBytes(chunk)
    this.#rate.refund(this.#catalogue.chunkBytes(chunk))
    const rest = (this.#requests.get(chunk) ?? []).filter((other) => other !== request)
    if (rest.length > 0) this.#requests.set(chunk, rest)
    else this.#requests.delete(chunk)
    if (this.#board.state(chunk) === REQUESTED && rest.every((other) => other.expired)) this.#board.markMissing(chunk)
  }

  /** Takes an answered request off the books; its bytes stay counted as out until the chunk is placed. */
  #forgetRequest(source: Source, request: OutstandingRequest): void {
    source.outstanding.delete(request.chunk)
    const rest = (this.#requests.get(request.chunk) ?? []).filter((other) => other !== request)
    if (rest.length > 0) this.#requests.set(request.chunk, rest)
    else this.#requests.delete(request.chunk)
  }

  #dismiss(source: Source, chunk: number | undefined, effects: DownloadEffect[]): void {
    this.#sourceLeft(source.id)
    effects.push({ type: 'penalize', source: source.id, fault: 'bad-chunk', chunk: chunk ?? -1, ban: true })
  }
}
