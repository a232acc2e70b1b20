import { RATE_BURST_MS } from './limits.ts'

/**
 * A token bucket: how many bytes may be asked for without going faster than a given rate.
 *
 * It is charged with what a chunk has when it is asked for, its plain bytes, and given back what the frame turned out to be smaller,
 * so that in the long run it counts frame bytes: what crosses the wire. A chunk may be asked for while any room is left, so the
 * account goes into debt by at most one chunk, however large chunks are and however low the rate is.
 */
export class RateBudget {
  readonly #bytesPerMs: number
  readonly #burstBytes: number
  #roomBytes: number
  #atMs: number

  /** `bytesPerSecond` may be infinite: no bound. */
  constructor(bytesPerSecond: number, now: number) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#burstBytes = this.#bytesPerMs * RATE_BURST_MS
    this.#roomBytes = this.#burstBytes
    this.#atMs = now
  }

  /** Bytes that may be asked for now; not positive while it is in debt. */
  roomBytes(now: number): number {
    if (this.#bytesPerMs === Number.POSITIVE_INFINITY) return this.#bytesPerMs
    const elapsedMs = Math.max(0, now - this.#atMs)
    this.#atMs = Math.max(now, this.#atMs)
    this.#roomBytes = Math.min(this.#burstBytes, this.#roomBytes + elapsedMs * this.#bytesPerMs)
    return this.#roomBytes
  }

  spend(bytes: number): void {
    this.#roomBytes -= bytes
  }

  /** Of what was spent, `bytes` did not come. */
  refund(bytes: number): void {
    this.#roomBytes += bytes
  }
}
