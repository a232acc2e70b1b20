/**
 * Owns background work: nothing started here outlives `stop()`, and no rejection is lost.
 * A task ends by returning, or by honouring the signal that it is given.
 */
export class Tasks implements AsyncDisposable {
  readonly #controller = new AbortController()
  readonly #running = new Set<Promise<void>>()
  readonly #onError: (error: unknown, name: string) => void

  /** `onError` hears of every task that failed for a reason other than `stop()`. */
  constructor(onError: (error: unknown, name: string) => void) {
    this.#onError = onError
  }

  /** Aborts when `stop()` is called. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Number of tasks that have not ended. */
  get runningCount(): number {
    return this.#running.size
  }

  /** Starts `work`; returns at once. */
  spawn(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#controller.signal.aborted) return
    const task = work(this.#controller.signal).catch((error: unknown) => {
      if (!this.#controller.signal.aborted) this.#onError(error, name)
    })
    this.#running.add(task)
    void task.finally(() => this.#running.delete(task))
  }

  /** Aborts every task and resolves when the last has ended. */
  async stop(reason: Error = new Error('stopped')): Promise<void> {
    this.#controller.abort(reason)
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
