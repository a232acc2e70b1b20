/** A channel as {@link Turns} sees it. */
export interface TurnTaker {
  /** Whether the stream takes more now. */
  canWrite(): boolean
  /** Writes one frame of those that wait; false when none is left. */
  writeNext(): boolean
}

/**
 * Lets the channels of one connection write in turn, a frame each, and after everything that libp2p itself has to say.
 *
 * When a saturated socket drains, libp2p lets its streams write in the order in which they were opened, each as much as
 * it has queued. The first few then fill the socket again before the others come round, for as long as the transfer
 * lasts: later channels stand still, pings go unanswered, and the connection is given up. So a channel queues nothing in
 * its stream while the stream is blocked, and waits here instead.
 */
export class Turns {
  #waiting: TurnTaker[] = []
  #isScheduled = false

  /** Lines `taker` up until it has nothing left to write. */
  enter(taker: TurnTaker): void {
    this.#waiting.push(taker)
  }

  leave(taker: TurnTaker): void {
    this.#waiting = this.#waiting.filter((other) => other !== taker)
  }

  /** Called when any stream of the connection may write again. */
  onDrain(): void {
    if (this.#isScheduled || this.#waiting.length === 0) return
    this.#isScheduled = true
    // The streams write what they hold in microtasks queued during the same event: the second hop comes after all of them.
    queueMicrotask(() => queueMicrotask(() => this.#run()))
  }

  #run(): void {
    this.#isScheduled = false
    // Ends after a full round in which nobody could write. Those who could not keep their order.
    for (let passed = 0; passed < this.#waiting.length;) {
      const taker = this.#waiting.shift()!
      if (!taker.canWrite()) {
        this.#waiting.push(taker)
        passed++
      } else {
        passed = 0
        if (taker.writeNext()) this.#waiting.push(taker)
      }
    }
  }
}
