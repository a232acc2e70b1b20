import { performance } from 'node:perf_hooks'

/** Milliseconds since the Unix epoch (wall clock), an integer. Comparable between machines, may jump. */
export type Instant = number

/**
 * Time as Cairn sees it. Everything that waits or reads the time is handed one of these,
 * so that a run under a manual clock is a replay.
 */
export interface Clock {
  /** Wall clock, for what is signed or compared between machines: expiry, logs. */
  now(): Instant
  /** Milliseconds from an arbitrary start; never goes back. For rates, deadlines and durations. */
  monotonicMs(): number
  /** Calls `callback` once after `delayMs`; disposing the timer before then prevents it. */
  setTimer(delayMs: number, callback: () => void): Timer
}

/** A pending callback of {@link Clock.setTimer}. */
export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(delayMs, callback) {
    const handle = setTimeout(callback, delayMs)
    return { cancel: () => clearTimeout(handle) }
  },
}

/** Resolves after `delayMs`; rejects with the signal's reason if it aborts first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
