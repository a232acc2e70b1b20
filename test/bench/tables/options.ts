/** What every table takes from the command line. */
export interface TableOptions {
  /** Size of the sample ledger. */
  readonly bytes: number
  readonly runs: number
  /** Only rows whose name contains one of these; all if empty. */
  readonly only: readonly string[]
  /** Install the programs that are missing. */
  readonly install: boolean
  /** Once more under the profiler, after the figures have been taken. */
  readonly profile: boolean
}

export function isWanted(name: string, { only }: Pick<TableOptions, 'only'>): boolean {
  return only.length === 0 || only.some((text) => name.includes(text))
}

/** One line on stderr for each measurement, so that a long table is seen to move. */
export function logMeasured(
  { name }: { readonly name: string },
  outcome: { readonly values: Readonly<Record<string, number>> } | Error,
): void {
  if (outcome instanceof Error) console.error(`${name}: failed: ${outcome.message}`)
  else
    console.error(
      `${name}: ${Object.entries(outcome.values)
        .map(([value, figure]) => `${value} ${Number(figure.toPrecision(4))}`)
        .join(', ')}`,
    )
}
