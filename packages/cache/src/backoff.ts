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

  /** How long until the first of what has failed is due, 0 if one is; `undefined` if nothing has failed. */
  nextMs(nowMs: number): number | undefined {
    if (this.#failures.size === 0) return undefined
    return Math.max(0, Math.min(...[...this.#failures.values()].map(({ dueMs }) => dueMs)) - nowMs)
  }
}
