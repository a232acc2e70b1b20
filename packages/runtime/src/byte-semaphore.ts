/** Admits holders of bytes first come, first served, up to a bound: what is loaded to be served never outgrows it. */
export class ByteSemaphore {
  readonly #bytesMax: number
  #usedBytes = 0
  readonly #waiting: { readonly bytes: number; readonly admit: () => void }[] = []

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Resolves to a function that gives the bytes back, once they fit. A request larger than the bound counts as the bound. */
  async acquire(bytes: number): Promise<() => void> {
    const share = Math.min(bytes, this.#bytesMax)
    if (this.#waiting.length > 0 || this.#usedBytes + share > this.#bytesMax) {
      await new Promise<void>((resolve) => this.#waiting.push({ bytes: share, admit: resolve }))
    } else {
      this.#usedBytes += share
    }
    let released = false
    return () => {
      if (released) return
      released = true
      this.#usedBytes -= share
      this.#admitWaiting()
    }
  }

  #admitWaiting(): void {
    for (let next = this.#waiting[0]; next !== undefined && this.#usedBytes + next.bytes <= this.#bytesMax; next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#usedBytes += next.bytes
      next.admit()
    }
  }
}
