import type { Notice, Operation, OperationResult, Payload } from '@cairn/ledger'
import type { Clock } from '@cairn/runtime'
import type { Admission } from './admission.ts'
import { toldTo } from './errors.ts'
import type { ReplicaEvent } from './events.ts'
import { WAITING_MAX } from './limits.ts'
import type { StateStore } from './state/state-store.ts'

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
const FULL_RETRY_MS = 1000

export interface SubmissionsInit {
  readonly clock: Clock
  readonly admission: Admission
  readonly store: () => StateStore
  /** Does what may find that the state is damaged. */
  readonly guarded: (act: () => void) => void
  /** Gives an operation that may be proposed to the engine. */
  readonly handIn: (operation: Operation) => void
  readonly observe?: (event: ReplicaEvent) => void
}

/** Operations of clients, and clients that wait for what becomes of them. */
export class Submissions {
  readonly #init: SubmissionsInit
  readonly #waiting = new Map<string, Set<(outcome: SubmitOutcome) => void>>()
  #count = 0
  #stopped = false

  constructor(init: SubmissionsInit) {
    this.#init = init
  }

  /** Clients that wait. */
  get count(): number {
    return this.#count
  }

  /** Judges an operation, hands it in, and resolves to what became of it; when `signal` aborts as unknown. @throws what `guarded` was told of */
  async submit(operation: Operation, signal?: AbortSignal): Promise<SubmitOutcome> {
    const { clock, observe } = this.#init
    const startMs = clock.monotonicMs()
    const outcome = await this.#outcomeOf(operation, signal)
    observe?.({ type: 'answered', outcome: outcome.type, durationMs: clock.monotonicMs() - startMs })
    return outcome
  }

  async #outcomeOf(operation: Operation, signal?: AbortSignal): Promise<SubmitOutcome> {
    const { admission, store, guarded, handIn } = this.#init
    const admitted = await admission.admit(operation)
    if (this.#stopped) return { type: 'unknown' }
    if (admitted.type === 'full') return { type: 'rejected', reason: 'busy', retryAfterMs: FULL_RETRY_MS }
    if (admitted.type === 'invalid') return admitted
    const known = toldTo(guarded, () => admission.remembered(store(), operation))
    if (known !== undefined) return { type: 'final', result: known }
    const outcome = this.wait(operation.id, signal)
    handIn(operation)
    return await outcome
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

  /** A block has been applied, with these results. */
  applied(payload: Payload, results: readonly OperationResult[]): void {
    for (const [index, { id }] of payload.entries()) {
      const result = results[index]
      if (result !== undefined) this.settle(id, { type: 'final', result })
    }
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
    this.#stopped = true
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
