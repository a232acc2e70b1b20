import type { Source } from './source.ts'

/** One request of one chunk to one source. */
export interface OutstandingRequest {
  readonly source: Source
  readonly chunk: number
  readonly sinceMs: number
  /** Given up: past its deadline, or its source was dropped. It still fills the source's window until the source answers. */
  expired: boolean
  /** Its source was told not to send the chunk any more. */
  cancelled: boolean
  /** Its bytes count as out: until it is answered, or its source is dropped. */
  isCounted: boolean
}

const NONE: readonly OutstandingRequest[] = []

/** What was asked for and not answered, by chunk: one request, two when hedged, and further ones that were given up. */
export class RequestBook {
  readonly #byChunk = new Map<number, readonly OutstandingRequest[]>()

  of(chunk: number): readonly OutstandingRequest[] {
    return this.#byChunk.get(chunk) ?? NONE
  }

  /** Whether anybody owes anything. */
  get isEmpty(): boolean {
    return this.#byChunk.size === 0
  }

  /** How many sources `chunk` is still expected from. */
  awaitedCount(chunk: number): number {
    let count = 0
    for (const { expired } of this.of(chunk)) if (!expired) count += 1
    return count
  }

  add(request: OutstandingRequest): void {
    request.source.outstanding.set(request.chunk, request)
    this.#byChunk.set(request.chunk, [...this.of(request.chunk), request])
  }

  /** It was answered, or never will be. */
  remove(request: OutstandingRequest): void {
    request.source.outstanding.delete(request.chunk)
    const rest = this.of(request.chunk).filter((other) => other !== request)
    if (rest.length > 0) this.#byChunk.set(request.chunk, rest)
    else this.#byChunk.delete(request.chunk)
  }
}
