import { type ChunkBoard, REQUESTED } from './chunk-board.ts'
import type { ChunkCatalogue, SourceId } from './download-types.ts'
import { DUPLICATE_SHARE_MAX, PEER_WINDOW_BYTES_START, PEERS_PER_CHUNK_MAX } from './limits.ts'
import type { RequestBook } from './request-book.ts'
import type { Source } from './source.ts'

/**
 * Asks a second source for what is overdue at the first, within a budget.
 *
 * A chunk is hedged once it has been out for longer than the second source usually takes, and longer than the first one does. For a
 * chunk that somebody waits for, one of the bootstrap stage, and in the end-game, when every chunk has been asked for, what the second
 * source takes decides alone: there the join waits for this very chunk.
 */
export class Hedges {
  readonly #catalogue: ChunkCatalogue
  readonly #board: ChunkBoard
  readonly #book: RequestBook
  readonly #sources: ReadonlyMap<SourceId, Source>
  /** What may still come twice. */
  #budgetBytes: number
  /** Chunks that are out twice on the budget's account. */
  readonly #charged = new Set<number>()

  constructor(catalogue: ChunkCatalogue, board: ChunkBoard, book: RequestBook, sources: ReadonlyMap<SourceId, Source>) {
    this.#catalogue = catalogue
    this.#board = board
    this.#book = book
    this.#sources = sources
    let totalBytes = 0
    let largestBytes = 0
    for (let chunk = 0; chunk < catalogue.chunksCount; chunk++) {
      totalBytes += catalogue.chunkBytes(chunk)
      largestBytes = Math.max(largestBytes, catalogue.chunkBytes(chunk))
    }
    // Even in a snapshot of a few chunks, all that one silent source was first asked for may be rescued.
    this.#budgetBytes = Math.max(2 * largestBytes, PEER_WINDOW_BYTES_START, totalBytes * DUPLICATE_SHARE_MAX)
  }

  /** A chunk that is overdue elsewhere and is now to be asked of `source` too; takes it off the budget. */
  chunkFor(source: Source, now: number): number | undefined {
    for (const other of this.#sources.values()) {
      if (other === source) continue
      const chunk = this.#overdueAt(other, source, now)
      if (chunk === undefined) continue
      const bytes = this.#catalogue.chunkBytes(chunk)
      if (bytes > this.#budgetBytes) return undefined
      this.#budgetBytes -= bytes
      this.#charged.add(chunk)
      return chunk
    }
    return undefined
  }

  /** Of two requests for `chunk` one came to nothing: it will not come twice. */
  spared(chunk: number): void {
    if (this.#charged.delete(chunk)) this.#budgetBytes += this.#catalogue.chunkBytes(chunk)
  }

  /** `chunk` came twice: what that cost is spent. */
  spent(chunk: number): void {
    this.#charged.delete(chunk)
  }

  #overdueAt(other: Source, source: Source, now: number): number | undefined {
    // The oldest come first, so the search ends at the first that is not late yet.
    for (const { chunk, sinceMs, expired } of other.outstanding.values()) {
      const outMs = now - sinceMs
      if (outMs < source.pace.overdueMs()) return undefined
      if (expired || this.#board.state(chunk) !== REQUESTED || !source.has(chunk) || source.outstanding.has(chunk)) continue
      if (this.#book.awaitedCount(chunk) >= PEERS_PER_CHUNK_MAX) continue
      const bytes = this.#catalogue.chunkBytes(chunk)
      if (outMs < source.pace.overdueMs(bytes)) continue
      if (this.#isAwaited(chunk) || outMs >= other.pace.overdueMs(bytes)) return chunk
    }
    return undefined
  }

  #isAwaited(chunk: number): boolean {
    return this.#board.missingCount === 0 || this.#board.isUrgent(chunk) || this.#catalogue.chunkStage(chunk) === 'bootstrap'
  }
}
