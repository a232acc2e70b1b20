import { type Clock, type Random, randomUnit } from '@cairn/runtime'

/** What a link between two peers is like, in each direction. */
export interface LinkConditions {
  /** One way. */
  readonly latencyMs: number
  /** Uniformly random addition to the latency; order is kept. */
  readonly jitterMs: number
  /** Infinity for a link that takes no time to write to. */
  readonly bytesPerSecond: number
}

/** One direction of a connection: first in, first out, taking the time that its conditions say. */
export class Pipe {
  readonly #clock: Clock
  readonly #random: Random
  /** Read for every delivery, so that a link can be slowed down while it is in use. */
  readonly #conditions: () => LinkConditions
  /** What is under way, in order; one timer or microtask waits for the first. */
  readonly #underway: { readonly atMs: number; readonly deliver: () => void }[] = []
  #writtenAtMs = 0
  #arrivesAtMs = 0

  constructor(clock: Clock, random: Random, conditions: () => LinkConditions) {
    this.#clock = clock
    this.#random = random
    this.#conditions = conditions
  }

  /** Calls `deliver` once `bytes` have reached the other side, after everything that was sent earlier. */
  send(bytes: number, deliver: () => void): void {
    const { latencyMs, jitterMs, bytesPerSecond } = this.#conditions()
    this.#writtenAtMs = Math.max(this.#clock.monotonicMs(), this.#writtenAtMs) + (bytes / bytesPerSecond) * 1000
    const travelMs = jitterMs === 0 ? latencyMs : latencyMs + randomUnit(this.#random) * jitterMs
    this.#arrivesAtMs = Math.max(this.#writtenAtMs + travelMs, this.#arrivesAtMs)
    this.#underway.push({ atMs: this.#arrivesAtMs, deliver })
    if (this.#underway.length === 1) this.#await(this.#arrivesAtMs)
  }

  #await(atMs: number): void {
    const delayMs = atMs - this.#clock.monotonicMs()
    if (delayMs > 0) this.#clock.setTimer(delayMs, () => this.#arrive())
    else queueMicrotask(() => this.#arrive())
  }

  #arrive(): void {
    const { deliver } = this.#underway[0]!
    deliver()
    this.#underway.shift()
    const next = this.#underway[0]
    if (next !== undefined) this.#await(next.atMs)
  }
}
