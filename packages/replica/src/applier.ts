import { type AppliedBlock, type ChainPoint, executeBlock, type LedgerId, type OperationResult, type Payload } from '@cairn/ledger'
import type { Clock, Timer } from '@cairn/runtime'
import type { UnappliedBlocks } from './kept-blocks.ts'
import { FLUSH_BLOCKS, FLUSH_BYTES, FLUSH_MS } from './limits.ts'
import type { StateStore } from './state/state-store.ts'

export interface ApplierInit {
  readonly ledger: LedgerId
  /** The state at the moment: another may take its place while this is paused. */
  readonly store: () => StateStore
  readonly blocks: UnappliedBlocks
  /** Does what may find that the state is damaged. */
  readonly guarded: (act: () => void) => void
  readonly clock: Clock
  /** This is what the operations of the next block did; {@link Applier.store} has it. */
  readonly onResults: (payload: Payload, results: readonly OperationResult[]) => void
  /** The block at `point` is applied in memory. */
  readonly onApplied: (point: ChainPoint, payload: Payload, durationMs: number) => void
  /** Whether the file must at some time hold exactly the state after the block at `point`. */
  readonly isBoundary: (point: ChainPoint) => boolean
  /** The file holds exactly the state after the block at `point`, a boundary. */
  readonly onBoundary: (point: ChainPoint) => void
}

interface Waiting {
  readonly point: ChainPoint
  readonly payload: Payload
  /** Durable before the block may be. */
  readonly after: number
}

/**
 * Applies final blocks: in memory at once, so that clients are answered without waiting for a disk; and in the file some together, once the
 * log has on disk what makes them final, so the state is never ahead of the log.
 *
 * A crash in between costs nothing: the log has the blocks, and a restart applies them again.
 */
export class Applier {
  readonly #init: ApplierInit
  readonly #waiting: Waiting[] = []
  /** Applied in memory, not in the file. */
  readonly #shown: { readonly point: ChainPoint; readonly after: number; readonly isBoundary: boolean }[] = []
  #durable = 0
  #isScheduled = false
  #timer: Timer | undefined
  #unfinished: (() => void) | undefined
  #stopped = false
  #isPaused = false

  constructor(init: ApplierInit) {
    this.#init = init
  }

  /** The state with all that clients have been told of. */
  get store(): StateStore {
    this.#finish()
    return this.#init.store()
  }

  /** Final blocks that are not in the file. */
  get waitingCount(): number {
    return this.#waiting.length + this.#shown.length
  }

  /** The next block. It is applied in a turn of its own, behind what this one still sends and writes. */
  apply(point: ChainPoint, payload: Payload, after: number): void {
    this.#waiting.push({ point, payload, after })
    this.#schedule()
  }

  /** Everything up to `token` is durable. */
  durable(token: number): void {
    this.#durable = token
    if (this.#isBig()) this.#init.guarded(() => this.flush())
  }

  /** Puts into the file what may be there. */
  flush(): void {
    this.#finish()
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#isPaused) return
    const { onBoundary } = this.#init
    const store = this.#init.store()
    const ready = this.#shown.splice(0, this.#shown.filter(({ after }) => after <= this.#durable).length)
    for (const [index, { point, isBoundary }] of ready.entries()) {
      if (!isBoundary && index < ready.length - 1) continue
      store.flush(point.height)
      if (isBoundary) onBoundary(point)
    }
    if (this.#shown.length > 0 && !this.#stopped) this.#startTimer()
  }

  /** Nothing is applied until {@link resume}: another state takes the place of the one here. */
  pause(): void {
    this.#finish()
    this.#isPaused = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** What was applied to the state that is gone is in its place, or is applied again. */
  resume(): void {
    this.#isPaused = false
    this.#shown.length = 0
    if (this.#waiting.length > 0) this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  /** What is not in the file stays out of it: the log has it. */
  leave(): void {
    this.stop()
    this.#unfinished = undefined
    this.#waiting.length = 0
    this.#shown.length = 0
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (!this.#stopped) this.#init.guarded(() => this.#applyNext())
    })
  }

  #applyNext(): void {
    if (this.#isPaused) return
    const { store } = this
    // A state that was fetched has them.
    while ((this.#waiting[0]?.point.height ?? Infinity) <= store.state.height) this.#waiting.shift()
    const next = this.#waiting.shift()
    if (next === undefined) return
    const { clock, ledger, onResults } = this.#init
    const startMs = clock.monotonicMs()
    const executed = executeBlock(store, ledger, store.state, next.payload)
    this.#unfinished = () => this.#show(next, executed.update(), startMs)
    onResults(next.payload, executed.results)
    afterAnswers(() => this.#finish())
  }

  /** Makes the block whose clients are being answered the newest state. */
  #finish(): void {
    const finish = this.#unfinished
    this.#unfinished = undefined
    if (finish !== undefined) this.#init.guarded(finish)
  }

  #show({ point, payload, after }: Waiting, applied: AppliedBlock, startMs: number): void {
    const { clock, blocks, isBoundary, onApplied, store } = this.#init
    store().stage(applied, blocks.take(point, payload))
    this.#shown.push({ point, after, isBoundary: isBoundary(point) })
    onApplied(point, payload, clock.monotonicMs() - startMs)
    // Whoever heard of it may have stopped this: the file may be another's by the time that a timer fires.
    if (this.#stopped) return
    if (this.#waiting.length > 0) this.#schedule()
    if (this.#isBig()) this.flush()
    else if (this.#timer === undefined) this.#startTimer()
  }

  /** Whether the file should not wait any longer. */
  #isBig(): boolean {
    const store = this.#init.store()
    const first = this.#shown[0]
    if (first === undefined || first.after > this.#durable) return false
    return store.stagedCount >= FLUSH_BLOCKS || store.stagedBytes >= FLUSH_BYTES || this.#shown.some(({ isBoundary }) => isBoundary)
  }

  #startTimer(): void {
    this.#timer = this.#init.clock.setTimer(FLUSH_MS, () => this.#init.guarded(() => this.flush()))
  }
}

/** Behind the microtasks that answer clients and the ticks that write to their sockets; before anything else happens. */
function afterAnswers(work: () => void): void {
  queueMicrotask(() => process.nextTick(() => process.nextTick(work)))
}
