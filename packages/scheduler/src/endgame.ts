import { type ChunkBoard, REQUESTED } from './chunk-board.ts'
import type { ChunkCatalogue } from './download-types.ts'
import { DUPLICATE_SHARE_MAX, ENDGAME_AFTER_MS, ENDGAME_PEERS_MAX } from './limits.ts'
import type { OutstandingRequest, Source } from './source.ts'

/** Strict end-game: when every chunk has been asked for, an idle source repeats one that has been out for a while, within a budget. */
export class Endgame {
  readonly #catalogue: ChunkCatalogue
  readonly #board: ChunkBoard
  /** What may still be asked for twice. */
  #budgetBytes: number

  constructor(catalogue: ChunkCatalogue, board: ChunkBoard) {
    this.#catalogue = catalogue
    this.#board = board
    let totalBytes = 0
    let largestBytes = 0
    for (let chunk = 0; chunk < catalogue.chunksCount; chunk++) {
      totalBytes += catalogue.chunkBytes(chunk)
      largestBytes = Math.max(largestBytes, catalogue.chunkBytes(chunk))
    }
    // Even a snapshot of a few chunks may rescue the last one.
    this.#budgetBytes = Math.max(2 * largestBytes, totalBytes * DUPLICATE_SHARE_MAX)
  }

  /** A chunk that is out elsewhere and is now to be asked of `source` too; takes it off the budget. */
  chunkFor(source: Source, requests: ReadonlyMap<number, readonly OutstandingRequest[]>, now: number): number | undefined {
    if (source.outstanding.size > 0) return undefined
    for (const [chunk, out] of requests) {
      if (this.#board.state(chunk) !== REQUESTED || out.length >= ENDGAME_PEERS_MAX || !source.has(chunk)) continue
      if (!out.every((request) => now - request.sinceMs >= ENDGAME_AFTER_MS)) continue
      const bytes = this.#catalogue.chunkBytes(chunk)
      if (bytes > this.#budgetBytes) return undefined
      this.#budgetBytes -= bytes
      return chunk
    }
    return undefined
  }
}
