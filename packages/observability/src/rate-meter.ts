import assert from 'node:assert/strict'

export interface RateMeterInit {
  /** How far back the rate looks: what came this long ago weighs 1/e of what came just now. */
  readonly windowMs?: number
}

/** Long enough to ride over one slow block, short enough that a change shows while one watches. */
const WINDOW_MS = 5000
/** Before this much time and this many samples a rate is mostly chance. */
const WARM_UP_MS = 2000
const WARM_UP_SAMPLES = 4
/** Beyond a week the estimate says nothing that "unknown" does not. */
const ETA_MS_MAX = 7 * 24 * 3_600_000

/**
 * How fast something grows, and when it will be done. Pure: `nowMs` is the caller's monotonic time and never goes back.
 *
 * The rate is the exponentially weighted mean, divided by the weight of the time actually seen, so that a young meter
 * is not biased towards zero. It decays while nothing arrives.
 */
export class RateMeter {
  readonly #windowMs: number
  readonly #startMs: number
  #lastMs: number
  #lastAmountMs: number
  #samples = 0
  /** Sum of what arrived, each part weighted by e^(-age / window), as of `#lastMs`. */
  #weighted = 0

  constructor(nowMs: number, init: RateMeterInit = {}) {
    this.#windowMs = init.windowMs ?? WINDOW_MS
    this.#startMs = nowMs
    this.#lastMs = nowMs
    this.#lastAmountMs = nowMs
  }

  /** `amount` (at least 0) arrived since the last call. */
  add(nowMs: number, amount: number): void {
    assert(nowMs >= this.#lastMs, 'time does not go back')
    assert(amount >= 0, 'what has arrived stays')
    this.#weighted = this.#weighted * Math.exp((this.#lastMs - nowMs) / this.#windowMs) + amount
    this.#lastMs = nowMs
    if (amount === 0) return
    this.#samples++
    this.#lastAmountMs = nowMs
  }

  /** Amount per second, or `undefined` while there is too little to go by. */
  perSecond(nowMs: number): number | undefined {
    const seenMs = nowMs - this.#startMs
    if (seenMs < WARM_UP_MS || this.#samples < WARM_UP_SAMPLES) return undefined
    const weighted = this.#weighted * Math.exp((this.#lastMs - nowMs) / this.#windowMs)
    const weightMs = this.#windowMs * (1 - Math.exp(-seenMs / this.#windowMs))
    return (weighted / weightMs) * 1000
  }

  /** Milliseconds since anything arrived. */
  idleMs(nowMs: number): number {
    return nowMs - this.#lastAmountMs
  }

  /**
   * Milliseconds until `remaining` more has arrived at the present rate; `undefined` while the rate is unknown,
   * while nothing arrives (a stall has no end to estimate), or where the answer would be over a week.
   */
  etaMs(nowMs: number, remaining: number): number | undefined {
    if (remaining <= 0) return 0
    const rate = this.perSecond(nowMs)
    if (rate === undefined || this.idleMs(nowMs) > this.#windowMs) return undefined
    const etaMs = (remaining / rate) * 1000
    return etaMs <= ETA_MS_MAX ? etaMs : undefined
  }
}
