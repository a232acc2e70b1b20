import type { Clock, Timer } from '@cairn/runtime'

/** Lets a loop sleep until something happens. A call of {@link notify} while nobody waits is not lost: the next wait ends at once. */
export class Wake {
  readonly #clock: Clock
  #isDue = false
  #end: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  notify(): void {
    this.#isDue = true
    this.#end?.()
  }

  /** Resolves at the next {@link notify}, after `limitMs`, or when `signal` aborts. One waiter at a time. */
  async wait(limitMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#isDue && !signal.aborted) {
      let timer: Timer | undefined
      const ended = new Promise<void>((resolve) => {
        this.#end = resolve
        timer = this.#clock.setTimer(limitMs, resolve)
        signal.addEventListener('abort', this.#end, { once: true })
      })
      await ended
      timer?.cancel()
      if (this.#end !== undefined) signal.removeEventListener('abort', this.#end)
      this.#end = undefined
    }
    this.#isDue = false
  }
}
