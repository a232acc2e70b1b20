import { PACE_HALF_LIFE_MS, RESPONSE_MS_MIN, RESPONSE_MS_UNKNOWN } from './limits.ts'

/**
 * How fast one source answers, seen from what arrives whole.
 *
 * Two measures: the time from a request to its answer, smoothed with its deviation as TCP does it, which says when an answer is
 * overdue; and the frame bytes per second while anything is asked of it, which says what it gives. Time in which nothing is asked of
 * it counts for neither, so a source is not slow for having been left alone.
 *
 * @see RFC 6298 §2
 */
export class ResponsePace {
  #smoothedMs: number | undefined
  #deviationMs = 0
  /** Frame bytes and busy time, both halved every {@link PACE_HALF_LIFE_MS} of busy time. */
  #bytes = 0
  #busyMs = 0
  /** Since when it has owed an answer and given none; `undefined` while nothing is asked of it. */
  #silentSinceMs: number | undefined

  /** Whether anything ever arrived from it. */
  get isKnown(): boolean {
    return this.#smoothedMs !== undefined
  }

  /** An answer that takes longer than this is overdue. */
  get overdueMs(): number {
    return this.#smoothedMs === undefined ? RESPONSE_MS_UNKNOWN : Math.max(RESPONSE_MS_MIN, this.#smoothedMs + 4 * this.#deviationMs)
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

  /** A frame of `bytes` arrived `responseMs` after it was asked for. */
  arrived(bytes: number, responseMs: number, now: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = responseMs
      this.#deviationMs = responseMs / 2
    } else {
      this.#deviationMs += (Math.abs(this.#smoothedMs - responseMs) - this.#deviationMs) / 4
      this.#smoothedMs += (responseMs - this.#smoothedMs) / 8
    }
    // At least a moment: of several answers in one turn of the event loop, only the first would have taken any time.
    const busyMs = Math.max(this.silentMs(now), 0.1)
    const fading = 2 ** (-busyMs / PACE_HALF_LIFE_MS)
    this.#bytes = this.#bytes * fading + bytes
    this.#busyMs = this.#busyMs * fading + busyMs
  }

  /** It answered, if only with a refusal; `owes` says whether anything else is asked of it. */
  answered(owes: boolean, now: number): void {
    this.#silentSinceMs = owes ? now : undefined
  }

  /** Forgets the rate, so that it is judged by what it does from now on. */
  restart(): void {
    this.#bytes = 0
    this.#busyMs = 0
  }
}
