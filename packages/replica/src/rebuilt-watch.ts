import type { ReplicaEvent } from './events.ts'

/** Tells, once, that a state which is made again is one that the log can rely on. */
export class RebuiltWatch {
  readonly #tell: (event: ReplicaEvent) => void
  readonly #needed: number
  #isTold = false

  /** `needed` is the height of the checkpoint for which the log was forgotten. */
  constructor(needed: number, tell: (event: ReplicaEvent) => void) {
    this.#needed = needed
    this.#tell = tell
  }

  /** The state has a certified checkpoint of `height`. */
  certified(height: number): void {
    if (this.#isTold || height < this.#needed) return
    this.#isTold = true
    this.#tell({ type: 'state-rebuilt', height })
  }
}
