/** How often each fault happened in a run: a fault that never strikes tests nothing. */
export class FaultCounters {
  readonly #counts = new Map<string, number>()

  count(fault: string): void {
    this.#counts.set(fault, (this.#counts.get(fault) ?? 0) + 1)
  }

  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }
}
