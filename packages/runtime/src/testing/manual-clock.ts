import type { Clock, Instant, Timer } from '../clock.ts'

/**
 * A clock that moves only when told to. Timers fire in order of (time, creation),
 * and pending promise callbacks run to quiescence between two timers, so a run is a pure function of its inputs.
 */
export class ManualClock implements Clock {
  #nowMs: number
  readonly #epochMs: number
  #sequence = 0
  #pending: { readonly atMs: number; readonly sequence: number; readonly callback: () => void }[] = []

  constructor(epochMs: Instant = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs
    this.#nowMs = 0
  }

  now(): Instant {
    return this.#epochMs + Math.floor(this.#nowMs)
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback }
    this.#pending.push(entry)
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== entry)
      },
    }
  }

  /** Milliseconds until the next timer, or `undefined` when none is set. */
  nextTimerMs(): number | undefined {
    return this.#next()?.atMs
  }

  /** Moves time on by `ms`, firing what falls due on the way. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(); next !== undefined && next.atMs <= untilMs; next = this.#next()) {
      this.#pending = this.#pending.filter((other) => other !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
      await settle()
    }
    this.#nowMs = untilMs
  }

  /** Fires timers one after the other until `done()` holds; gives up after `limitMs` of manual time. */
  async runUntil(done: () => boolean, limitMs = 3_600_000): Promise<void> {
    const untilMs = this.#nowMs + limitMs
    await settle()
    while (!done()) {
      const next = this.#next()
      if (next === undefined) throw new Error(`nothing is scheduled at ${this.#nowMs} ms and the condition does not hold`)
      if (next.atMs > untilMs) throw new Error(`the condition did not hold within ${limitMs} ms`)
      await this.advance(next.atMs - this.#nowMs)
    }
  }

  #next(): { readonly atMs: number; readonly sequence: number; readonly callback: () => void } | undefined {
    let best = this.#pending[0]
    for (const entry of this.#pending) {
      if (best === undefined || entry.atMs < best.atMs || (entry.atMs === best.atMs && entry.sequence < best.sequence)) best = entry
    }
    return best
  }
}

/**
 * Lets everything run that can run without time: promise callbacks (the event loop reaches its check phase only once the microtask
 * queue is empty), and file operations, which take no manual time however long they take.
 */
async function settle(): Promise<void> {
  for (let idle = 0; idle < SETTLED_TURNS; idle++) {
    await new Promise((resolve) => setImmediate(resolve))
    if (process.getActiveResourcesInfo().some((resource) => FILE_OPERATIONS.has(resource))) idle = -1
  }
}

/** Turns of the event loop without a file operation after which nothing more is to be expected. */
const SETTLED_TURNS = 4
const FILE_OPERATIONS: ReadonlySet<string> = new Set(['FSReqPromise', 'FSReqCallback'])
