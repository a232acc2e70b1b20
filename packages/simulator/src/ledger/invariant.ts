/** An invariant that did not hold, at the step at which that showed. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError'
  /** `S1` to `S22`, `P1` to `P6`, `L1`, `L2`, `L5`, `L6`. */
  readonly invariant: string

  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`)
    this.invariant = invariant
  }
}

export function insist(condition: boolean, invariant: string, what: () => string): asserts condition {
  if (!condition) throw new InvariantError(invariant, what())
}
