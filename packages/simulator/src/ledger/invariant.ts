/** An invariant that did not hold, at the step at which that showed. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
  /** `S1` to `S22`, `R1` to `R7`, `P1` to `P6`, `L1` to `L6`. */
  readonly invariant: string

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`)
    this.invariant = invariant
  }
}

/** Invariants that nobody looks at in the run under way: what a mistake is found by shows when it is not. */
let ignored: ReadonlySet<string> = new Set()

/** Runs `run`, synchronously, with `invariants` unchecked. */
export function withoutChecks<T>(invariants: readonly string[], run: () => T): T {
  const before = ignored
  ignored = new Set(invariants)
  try {
    return run()
  } finally {
    ignored = before
  }
}

export function insist(condition: boolean, invariant: string, what: () => string): asserts condition {
  if (!condition && !ignored.has(invariant)) throw new InvariantError(invariant, what())
}
