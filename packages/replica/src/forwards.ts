import type { Operation, PeerId } from '@cairn/ledger'
import { FORWARDED_TOGETHER_MAX } from './limits.ts'

/**
 * Operations on their way to a leader: those of one turn of the event loop go together. Clients that were answered together come back
 * together, and a message for each of them would cost both sides more than everything else that is done with it.
 */
export class Forwards {
  readonly #send: (to: readonly PeerId[], operations: readonly Operation[]) => void
  readonly #waiting = new Map<PeerId, Operation[]>()

  constructor(send: (to: readonly PeerId[], operations: readonly Operation[]) => void) {
    this.#send = send
  }

  add(to: readonly PeerId[], operations: readonly Operation[]): void {
    if (this.#waiting.size === 0) setImmediate(() => this.#flush())
    for (const peer of to) {
      const waiting = this.#waiting.get(peer) ?? []
      this.#waiting.set(peer, waiting)
      waiting.push(...operations)
    }
  }

  #flush(): void {
    for (const [peer, operations] of this.#waiting) {
      for (let at = 0; at < operations.length; at += FORWARDED_TOGETHER_MAX)
        this.#send([peer], operations.slice(at, at + FORWARDED_TOGETHER_MAX))
    }
    this.#waiting.clear()
  }
}
