/** One way to get the protocol wrong: where `find` stands once in `file` of a package's sources, `replace` stands instead. */
export interface Mutant {
  readonly name: string
  /** What it breaks: a rule, a persistence point or an invariant of the design. */
  readonly rule: string
  readonly package: 'ledger' | 'replica'
  readonly file: string
  readonly find: string
  readonly replace: string
  /** What a run must be about to show it soon, as `@cairn/simulator` calls it; none where any run will do. */
  readonly focus: string | undefined
  /** The one check that finds it: with this one switched off it lives. */
  readonly foundBy: string | undefined
}

export function mutant(
  rule: string,
  name: string,
  file: string,
  find: string,
  replace: string,
  more: Partial<Pick<Mutant, 'package' | 'focus' | 'foundBy'>> = {},
): Mutant {
  return { rule, name, file, find, replace, package: 'ledger', focus: undefined, foundBy: undefined, ...more }
}
