import type { Notice, OperationResult } from '@cairn/ledger'
import { WAITING_MAX } from './limits.ts'

/** What became of an operation that a client handed in. */
export type SubmitOutcome =
  /** In a final block. */
  | { readonly type: 'final'; readonly result: OperationResult }
  /** Not taken, and not applied because of this: come back after `retryAfterMs`, 0 for never. */
  | { readonly type: 'rejected'; readonly reason: string; readonly retryAfterMs: number }
  | { readonly type: 'invalid'; readonly reason: string }
  /** Nobody knows yet: it may have been applied, or may be. */
  | { readonly type: 'unknown' }

/** How soon a client that found this replica full may try again. */
export const FULL_RETRY_MS = 1000

/** Clients that wait for what becomes of their operations. */
export class Submissions {
  readonly #waiting = new Map<string, Set<(outcome: SubmitOutcome) => void>>()
  #count = 0

  /** Clients that wait. */
  get count(): number {
    return this.#count
  }

  /** Resolves when the operation with this id is final or refused, or as unknown when `signal` aborts. */
  wait(id: string, signal?: AbortSignal): Promise<SubmitOutcome> {
    if (this.#count >= WAITING_MAX) return Promise.resolve({ type: 'rejected', reason: 'pool-full', retryAfterMs: FULL_RETRY_MS })
    if (signal?.aborted) return Promise.resolve({ type: 'unknown' })
    return new Promise((resolve) => {
      const onAbort = (): void => this.#forget(id, settle, { type: 'unknown' })
      const settle = (outcome: SubmitOutcome): void => {
        signal?.removeEventListener('abort', onAbort)
        resolve(outcome)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      const waiting = this.#waiting.get(id) ?? new Set()
      waiting.add(settle)
      this.#waiting.set(id, waiting)
      this.#count++
    })
  }

  settle(id: string, outcome: SubmitOutcome): void {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) return
    this.#waiting.delete(id)
    this.#count -= waiting.size
    for (const settle of waiting) settle(outcome)
  }

  notice(notice: Notice): void {
    if (notice.type === 'rejected') {
      const { reason, retryAfterMs } = notice
      this.settle(notice.operation, { type: 'rejected', reason, retryAfterMs })
    } else if (notice.type === 'duplicate' && notice.final) {
      // Final once, and forgotten by the state since: what it did nobody remembers.
      this.settle(notice.operation, { type: 'unknown' })
    }
  }

  stop(): void {
    for (const id of this.#waiting.keys()) this.settle(id, { type: 'unknown' })
  }

  #forget(id: string, settle: (outcome: SubmitOutcome) => void, outcome: SubmitOutcome): void {
    const waiting = this.#waiting.get(id)
    if (waiting?.delete(settle) !== true) return
    this.#count--
    if (waiting.size === 0) this.#waiting.delete(id)
    settle(outcome)
  }
}
