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

  /**
   * Resolves, once the bytes fit, to a function that gives them back: all, or all but `keepBytes` when fewer turn out to be needed.
   * A request larger than the bound counts as the bound.
   */
  async acquire(bytes: number): Promise<(keepBytes?: number) => void> {
    const share = Math.min(bytes, this.#bytesMax)
    if (this.#waiting.length > 0 || this.#usedBytes + share > this.#bytesMax) {
      await new Promise<void>((resolve) => this.#waiting.push({ bytes: share, admit: resolve }))
    } else {
      this.#usedBytes += share
    }
    let heldBytes = share
    return (keepBytes = 0) => {
      const freedBytes = Math.max(0, heldBytes - keepBytes)
      heldBytes -= freedBytes
      this.#usedBytes -= freedBytes
      if (freedBytes > 0) this.#admitWaiting()
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
