import { TraceHash } from './trace-hash.ts'

interface Task {
  readonly at: number
  readonly seq: number
  readonly run: () => void
}

/**
 * A virtual clock and one heap of what is to happen, ordered by (time, order of scheduling).
 *
 * Nothing else decides what happens next, so a run is a function of what is scheduled in it.
 */
export class Kernel {
  readonly trace = new TraceHash()
  readonly #heap: Task[] = []
  #now = 0
  #seq = 0
  #steps = 0

  /** Virtual milliseconds since the run began. */
  get now(): number {
    return this.#now
  }

  /** Tasks that ran. */
  get steps(): number {
    return this.#steps
  }

  get pending(): number {
    return this.#heap.length
  }

  /** Runs `run` once, `delayMs` (a whole number, at least 0) from now, after everything scheduled before for the same time. */
  schedule(delayMs: number, run: () => void): void {
    this.#push({ at: this.#now + Math.max(0, Math.floor(delayMs)), seq: this.#seq++, run })
  }

  /** Runs tasks until the clock would pass `until`, `stop` says so after one, or `stepsMax` ran. Returns why it stopped. */
  run(until: number, stepsMax: number, stop: () => boolean): 'time' | 'stopped' | 'steps' | 'idle' {
    for (let count = 0; count < stepsMax; count++) {
      const next = this.#heap[0]
      if (next === undefined) return 'idle'
      if (next.at > until) {
        this.#now = until
        return 'time'
      }
      this.#pop()
      this.#now = next.at
      this.#steps++
      this.trace.add(next.at)
      next.run()
      if (stop()) return 'stopped'
    }
    return 'steps'
  }

  #push(task: Task): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(task)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!before(task, heap[parent]!)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = task
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (!before(heap[child]!, last)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}

function before(a: Task, b: Task): boolean {
  return a.at < b.at || (a.at === b.at && a.seq < b.seq)
}
