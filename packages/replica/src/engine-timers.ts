import type { TimerName } from '@cairn/ledger'
import type { Clock, Timer } from '@cairn/runtime'

/** The engine's timers: one of each name, the last that was set. */
export class EngineTimers {
  readonly #clock: Clock
  readonly #fire: (timer: TimerName, id: number) => void
  readonly #timers = new Map<TimerName, Timer>()

  constructor(clock: Clock, fire: (timer: TimerName, id: number) => void) {
    this.#clock = clock
    this.#fire = fire
  }

  set(timer: TimerName, id: number, afterMs: number): void {
    this.#timers.get(timer)?.cancel()
    this.#timers.set(
      timer,
      this.#clock.setTimer(afterMs, () => this.#fire(timer, id)),
    )
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
  }
}
