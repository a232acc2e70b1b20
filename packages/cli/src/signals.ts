import type { Clock, Timer } from '@cairn/runtime'
import { Interrupted, type StopSignal } from './errors.ts'
import type { ExitCode } from './exit-codes.ts'

/** Where signals come from: the process. */
export interface SignalSource {
  on(signal: StopSignal, listener: () => void): unknown
  off(signal: StopSignal, listener: () => void): unknown
}

export interface SignalComponents {
  readonly source: SignalSource
  readonly clock: Clock
  /** Ends the process at once. */
  readonly exit: (exitCode: ExitCode) => void
  /** Tells the person at the terminal. */
  readonly warn: (sentence: string) => void
}

/** A journal is flushed and connections are closed in well under a second; whoever supervises the process waits 10 s or more. */
export const STOP_DEADLINE_MS = 8000

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM']

/**
 * Turns the first SIGINT or SIGTERM into an abort, so that the command can clean up. A second signal ends the process at once,
 * and so does the deadline, if the command has not ended by then.
 */
export class StopSignals implements Disposable {
  readonly #components: SignalComponents
  readonly #controller = new AbortController()
  readonly #listeners: readonly (readonly [StopSignal, () => void])[]
  #deadline: Timer | undefined

  constructor(components: SignalComponents) {
    this.#components = components
    this.#listeners = SIGNALS.map((signal) => [signal, () => this.#onSignal(signal)] as const)
    for (const [signal, listener] of this.#listeners) components.source.on(signal, listener)
  }

  /** Aborts with an {@link Interrupted}. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    this.#deadline?.cancel()
    for (const [signal, listener] of this.#listeners) this.#components.source.off(signal, listener)
  }

  #onSignal(signal: StopSignal): void {
    const { clock, exit, warn } = this.#components
    const reason = new Interrupted(signal)
    if (this.#controller.signal.aborted) {
      exit(reason.exitCode)
      return
    }
    this.#deadline = clock.setTimer(STOP_DEADLINE_MS, () => {
      warn(`clean-up took more than ${STOP_DEADLINE_MS / 1000} s and was cut short`)
      exit(reason.exitCode)
    })
    this.#controller.abort(reason)
  }
}
