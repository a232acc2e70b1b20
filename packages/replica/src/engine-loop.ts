import { type Effect, type EngineEvent, type EngineState, step } from '@cairn/ledger'
import type { Clock } from '@cairn/runtime'

/** Hands events to the engine one after the other: what an effect leads to at once waits for the effects before it. */
export class EngineLoop {
  readonly #state: EngineState
  readonly #clock: Clock
  readonly #perform: (effect: Effect) => void
  readonly #events: EngineEvent[] = []
  #running = false
  #stopped = false

  constructor(state: EngineState, clock: Clock, perform: (effect: Effect) => void) {
    this.#state = state
    this.#clock = clock
    this.#perform = perform
  }

  handle(event: EngineEvent): void {
    if (this.#stopped) return
    this.#events.push(event)
    if (this.#running) return
    this.#running = true
    try {
      for (let next = this.#events.shift(); next !== undefined && !this.#stopped; next = this.#events.shift()) {
        for (const effect of step(this.#state, this.#clock.now(), next)) if (!this.#stopped) this.#perform(effect)
      }
    } finally {
      this.#running = false
    }
  }

  /** Nothing is done any more, not even what the event at hand still asks for. */
  stop(): void {
    this.#stopped = true
  }
}
