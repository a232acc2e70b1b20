import { RateMeter } from '@cairn/observability'
import type { Clock, Timer } from '@cairn/runtime'
import { type ProgressState, renderProgress } from './progress-line.ts'
import type { StatusLine } from './status-line.ts'

/** Shows how far a command is. One that is not shown takes the same calls. */
export interface Progress {
  update(state: ProgressState): void
  /** Takes the display away; a later update brings it back. */
  clear(): void
}

export const hiddenProgress: Progress = { update() {}, clear() {} }

/** Fast enough to look alive, slow enough to read. */
const REDRAW_MS = 200
/** In a log or a CI run, where every redraw is a line. */
const LINE_MS = 5000
/** A new stage or the reason of a stall is told sooner than that, but a source that comes and goes must not flood a log. */
const NEWS_MS_MIN = 1000

/**
 * Progress on stderr: one line that is redrawn on a terminal, a line every few seconds elsewhere.
 * It is drawn by the clock and not by updates, so that a stall shows although nothing happens.
 */
export class TerminalProgress implements Progress {
  readonly #line: StatusLine
  readonly #clock: Clock
  #state: ProgressState | undefined
  #meter: RateMeter
  #timer: Timer | undefined
  #drawnMs = 0

  constructor(line: StatusLine, clock: Clock) {
    this.#line = line
    this.#clock = clock
    this.#meter = new RateMeter(clock.monotonicMs())
  }

  update(state: ProgressState): void {
    const nowMs = this.#clock.monotonicMs()
    const before = this.#state
    // What a first update brings was there before; and when the target moves, less may be present than a moment ago.
    if (before === undefined || state.bytes < before.bytes) this.#meter = new RateMeter(nowMs)
    else this.#meter.add(nowMs, state.bytes - before.bytes)
    this.#state = state
    const isNews = before?.stage !== state.stage || before.stall !== state.stall
    if (this.#timer === undefined) this.#draw()
    else if (isNews && !this.#line.isTerminal) this.#drawIn(Math.max(0, this.#drawnMs + NEWS_MS_MIN - nowMs))
  }

  clear(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#state = undefined
    this.#line.show('')
  }

  #draw(): void {
    if (this.#state === undefined) return
    const nowMs = this.#clock.monotonicMs()
    const { bytes, bytesTotal } = this.#state
    const pace = {
      perSecond: this.#meter.perSecond(nowMs),
      etaMs: bytesTotal === undefined ? undefined : this.#meter.etaMs(nowMs, bytesTotal - bytes),
      idleMs: this.#meter.idleMs(nowMs),
    }
    if (this.#line.isTerminal) this.#line.show(renderProgress(this.#state, pace, this.#line.width))
    else this.#line.write(`${renderProgress(this.#state, pace, Number.MAX_SAFE_INTEGER)}\n`)
    this.#drawnMs = nowMs
    this.#drawIn(this.#line.isTerminal ? REDRAW_MS : LINE_MS)
  }

  #drawIn(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.setTimer(delayMs, () => this.#draw())
  }
}
