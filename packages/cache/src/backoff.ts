import { RETRY_MS_MAX, RETRY_MS_MIN } from './limits.ts'

interface Failures {
  readonly count: number
  /** Monotonic milliseconds. */
  readonly dueMs: number
}

/** When what has failed is worth another try. Times are monotonic milliseconds. */
export class Backoff {
  readonly #failures = new Map<string, Failures>()

  /** Records a failure; returns how long to wait. */
  failed(key: string, nowMs: number): number {
    const count = (this.#failures.get(key)?.count ?? 0) + 1
    const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** (count - 1))
    this.#failures.set(key, { count, dueMs: nowMs + waitMs })
    return waitMs
  }

  forget(key: string): void {
    this.#failures.delete(key)
  }

  /** Forgets everything but `keys`. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.#failures.keys()) if (!keys.has(key)) this.#failures.delete(key)
  }

  isDue(key: string, nowMs: number): boolean {
    return (this.#failures.get(key)?.dueMs ?? nowMs) <= nowMs
  }

  /** How long until the next of what has failed falls due; `undefined` if nothing will. What is due already waits for something else. */
  nextMs(nowMs: number): number | undefined {
    const waits = [...this.#failures.values()].map(({ dueMs }) => dueMs - nowMs).filter((waitMs) => waitMs > 0)
    return waits.length === 0 ? undefined : Math.min(...waits)
  }
}
