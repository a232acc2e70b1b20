/** Counts what is open under each key, so that nobody holds more than their share. */
export class Quota {
  readonly #counts = new Map<string, number>()

  /** Takes one of `max` under `key` until `until` aborts; false when all are taken. */
  take(key: string, max: number, until: AbortSignal): boolean {
    const count = this.#counts.get(key) ?? 0
    if (count >= max) return false
    if (until.aborted) return true
    this.#counts.set(key, count + 1)
    until.addEventListener('abort', () => this.#release(key), { once: true })
    return true
  }

  #release(key: string): void {
    const count = (this.#counts.get(key) ?? 1) - 1
    if (count === 0) this.#counts.delete(key)
    else this.#counts.set(key, count)
  }
}
