import { PACE_HALF_LIFE_MS, RESPONSE_MS_MIN, RESPONSE_MS_UNKNOWN } from './limits.ts'

/** A time as TCP estimates it: its mean, and how far it usually is from that. */
class Smoothed {
  #mean: number | undefined
  #deviation = 0

  get isKnown(): boolean {
    return this.#mean !== undefined
  }

  /** More than this is unusual. */
  get usualMax(): number {
    return (this.#mean ?? 0) + 4 * this.#deviation
  }

  add(value: number): void {
    if (this.#mean === undefined) {
      this.#mean = value
      this.#deviation = value / 2
    } else {
      this.#deviation += (Math.abs(this.#mean - value) - this.#deviation) / 4
      this.#mean += (value - this.#mean) / 8
    }
  }
}

/**
 * How fast one source answers, seen from what arrives whole.
 *
 * Three measures: the time from a request to its answer, which says when an answer is overdue; the time from one answer to the next while
 * it owes any, which says when it is stuck, however long its queue is; and the frame bytes per second in that time, which says what it
 * gives. Time in which nothing is asked of it counts for none, so a source is not slow for having been left alone.
 *
 * @see RFC 6298 §2
 */
export class ResponsePace {
  readonly #responseMs = new Smoothed()
  readonly #gapMs = new Smoothed()
  /** Plain bytes of its chunks, on average. */
  #chunkBytes = 0
  /** Plain bytes, frame bytes and busy time, all halved every {@link PACE_HALF_LIFE_MS} of busy time. */
  #plainBytes = 0
  #bytes = 0
  #busyMs = 0
  /** Since when it has owed an answer and given none; `undefined` while nothing is asked of it. */
  #silentSinceMs: number | undefined

  /** Whether anything ever arrived from it. */
  get isKnown(): boolean {
    return this.#responseMs.isKnown
  }

  /** An answer that takes longer than this is overdue; longer for a chunk of more than the usual plain bytes. */
  overdueMs(chunkBytes = 0): number {
    return this.isKnown ? Math.max(RESPONSE_MS_MIN, this.#responseMs.usualMax * this.#sizeFactor(chunkBytes)) : RESPONSE_MS_UNKNOWN
  }

  /**
   * Whether it is silent for longer than it takes over a chunk of `chunkBytes` plain bytes, by the time between its answers and by twice
   * what its rate allows, which matters after few answers. Never of a source that has not answered.
   */
  isStuck(now: number, chunkBytes: number): boolean {
    if (!this.isKnown || this.#plainBytes === 0) return false
    const slowlyMs = (2 * chunkBytes * this.#busyMs) / this.#plainBytes
    return this.silentMs(now) >= Math.max(RESPONSE_MS_MIN, slowlyMs, this.#gapMs.usualMax * this.#sizeFactor(chunkBytes))
  }

  /** How long it has owed an answer and given none. */
  silentMs(now: number): number {
    return this.#silentSinceMs === undefined ? 0 : now - this.#silentSinceMs
  }

  /**
   * Frame bytes per second while it was busy, the present silence included. `onTheWayBytes` count as if they arrived now, which
   * makes it the most that the source can have given.
   */
  bytesPerSecond(now: number, onTheWayBytes = 0): number {
    const busyMs = this.#busyMs + this.silentMs(now)
    return busyMs === 0 ? 0 : ((this.#bytes + onTheWayBytes) * 1000) / busyMs
  }

  /** Something is asked of it. */
  asked(now: number): void {
    this.#silentSinceMs ??= now
  }

  /** A chunk of `chunkBytes` arrived in a frame of `frameBytes`, `responseMs` after it was asked for. */
  arrived(chunkBytes: number, frameBytes: number, responseMs: number, now: number): void {
    this.#responseMs.add(responseMs)
    this.#gapMs.add(this.silentMs(now))
    this.#chunkBytes = this.#chunkBytes === 0 ? chunkBytes : this.#chunkBytes + (chunkBytes - this.#chunkBytes) / 8
    // At least a moment: of several answers in one turn of the event loop, only the first would have taken any time.
    const busyMs = Math.max(this.silentMs(now), 0.1)
    const fading = 2 ** (-busyMs / PACE_HALF_LIFE_MS)
    this.#plainBytes = this.#plainBytes * fading + chunkBytes
    this.#bytes = this.#bytes * fading + frameBytes
    this.#busyMs = this.#busyMs * fading + busyMs
  }

  /** It answered, if only with a refusal; `owes` says whether anything else is asked of it. */
  answered(owes: boolean, now: number): void {
    this.#silentSinceMs = owes ? now : undefined
  }

  /** Forgets the rate, so that it is judged by what it does from now on. */
  restart(): void {
    this.#plainBytes = 0
    this.#bytes = 0
    this.#busyMs = 0
  }

  #sizeFactor(chunkBytes: number): number {
    return Math.max(1, chunkBytes / this.#chunkBytes)
  }
}
