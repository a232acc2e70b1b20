import type { SnapshotIndex } from '@cairn/protocol'
import type { PlaceStore } from '@cairn/storage'
import { NodeError } from './errors.ts'
import { untilAborted } from './until-aborted.ts'

/** Asks whatever fetches chunks to fetch these before all others. */
export type Prefer = (chunks: readonly number[]) => void

/** Reads ranges of files of a snapshot that is still arriving: what is missing is fetched next. */
export class RangeReader {
  readonly #index: SnapshotIndex
  readonly #store: PlaceStore
  /** Chunks of each read under way. */
  readonly #reads = new Set<readonly number[]>()
  readonly #arrivals = new Map<number, PromiseWithResolvers<void>>()
  #isFetching = false
  #prefer: Prefer | undefined

  constructor(index: SnapshotIndex, store: PlaceStore) {
    this.#index = index
    this.#store = store
  }

  /** What is missing is, or soon will be, fetched, until {@link ended}. */
  began(): void {
    this.#isFetching = true
  }

  /** `prefer` is heard from now on. */
  attach(prefer: Prefer): void {
    this.#prefer = prefer
    for (const chunks of this.#reads) this.#preferMissing(chunks)
  }

  /** Nobody fetches any more: reads that wait fail, with `failure` if that is why. */
  ended(failure?: unknown): void {
    this.#isFetching = false
    this.#prefer = undefined
    for (const arrival of this.#arrivals.values()) {
      if (failure === undefined) arrival.resolve()
      else arrival.reject(failure)
    }
    this.#arrivals.clear()
  }

  placed(chunk: number): void {
    this.#arrivals.get(chunk)?.resolve()
    this.#arrivals.delete(chunk)
  }

  /**
   * Bytes `from` to `to` (exclusive) of the file `path`, verified.
   *
   * @throws {NodeError} `UNKNOWN_PATH`, `NOT_A_FILE`, `OUT_OF_RANGE`, `NOT_FETCHING`
   * @throws {StorageError} `IO_FAILED`; the signal's reason; why the join ended, if it fails meanwhile
   */
  async read(path: string, from: number, to: number, signal?: AbortSignal): Promise<Uint8Array> {
    const pieces = [...this.#index.chunksOfFile(this.#fileAt(path, from, to), from, to)]
    const chunks = pieces.map(({ chunk }) => chunk)
    const range = new Uint8Array(to - from)
    this.#reads.add(chunks)
    this.#preferMissing(chunks)
    try {
      for (const { chunk, offset, bytes } of pieces) {
        const plain = await this.#chunk(chunk, path, signal)
        range.set(plain.subarray(Math.max(0, from - offset), Math.min(bytes, to - offset)), Math.max(0, offset - from))
      }
    } finally {
      this.#reads.delete(chunks)
    }
    return range
  }

  #fileAt(path: string, from: number, to: number): number {
    const i = this.#index.entryAt(path)
    const entry = i === undefined ? undefined : this.#index.entries[i]
    if (i === undefined || entry === undefined) throw new NodeError({ code: 'UNKNOWN_PATH', path })
    if (entry.type !== 'file') throw new NodeError({ code: 'NOT_A_FILE', path, found: entry.type })
    const isRange = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to && to <= entry.bytes
    if (!isRange) throw new NodeError({ code: 'OUT_OF_RANGE', path, from, to, bytes: entry.bytes })
    return i
  }

  #preferMissing(chunks: readonly number[]): void {
    const missing = chunks.filter((chunk) => !this.#store.have.get(chunk))
    if (missing.length > 0) this.#prefer?.(missing)
  }

  async #chunk(chunk: number, path: string, signal: AbortSignal | undefined): Promise<Uint8Array> {
    for (;;) {
      signal?.throwIfAborted()
      const plain = await this.#store.read(chunk)
      if (plain !== undefined) return plain
      // It may have come back while what was here was found damaged.
      if (this.#store.have.get(chunk)) continue
      if (!this.#isFetching) throw new NodeError({ code: 'NOT_FETCHING', path })
      this.#preferMissing([chunk])
      await untilAborted(this.#arrival(chunk), signal)
    }
  }

  #arrival(chunk: number): Promise<void> {
    let arrival = this.#arrivals.get(chunk)
    if (arrival === undefined) {
      arrival = Promise.withResolvers()
      arrival.promise.catch(() => {}) // the read that waits may have been aborted
      this.#arrivals.set(chunk, arrival)
    }
    return arrival.promise
  }
}
