import type { Usage } from './process.ts'
import { median } from './statistics.ts'

/** One run of one row. */
export interface Sample {
  /** What was measured, by name with its unit last: `seconds`, `egressBytes`. */
  readonly values: Readonly<Record<string, number>>
  /** What each role's processes cost. */
  readonly usage: Readonly<Record<string, Usage>>
}

/** Something that is measured several times. */
export interface Row {
  readonly name: string
  measure(round: number): Promise<Sample>
}

export interface RowResult {
  readonly name: string
  readonly samples: readonly Sample[]
  /** Why there are no more samples. */
  readonly fault?: string
}

/** What a caller is told while rows are measured. */
export type OnMeasured = (row: Row, outcome: Sample | Error) => void

/**
 * Measures every row `runs` times, in turns, so that a machine that slows down slows all of them.
 * A row that fails is not measured again; the others are.
 */
export async function measureInTurns(rows: readonly Row[], runs: number, onMeasured: OnMeasured): Promise<Results> {
  const samples = new Map<string, Sample[]>(rows.map(({ name }) => [name, []]))
  const faults = new Map<string, string>()
  for (let round = 0; round < runs; round++) {
    for (const row of rows.filter(({ name }) => !faults.has(name))) {
      try {
        const sample = await row.measure(round)
        samples.get(row.name)!.push(sample)
        onMeasured(row, sample)
      } catch (error) {
        const fault = error instanceof Error ? error : new Error(String(error))
        faults.set(row.name, fault.message)
        onMeasured(row, fault)
      }
    }
  }
  return new Results(
    rows.map(({ name }) => {
      const fault = faults.get(name)
      return { name, samples: samples.get(name)!, ...(fault !== undefined && { fault }) }
    }),
  )
}

/** What was measured, and its medians. Rows that were not measured are `undefined` throughout. */
export class Results {
  readonly rows: readonly RowResult[]

  constructor(rows: readonly RowResult[]) {
    this.rows = rows
  }

  samples(row: string): readonly Sample[] {
    return this.rows.find(({ name }) => name === row)?.samples ?? []
  }

  /** Of one value of one row. */
  median(row: string, value: string): number | undefined {
    return medianOf(this.samples(row), ({ values }) => values[value])
  }

  /** Of what all roles of a sample took together. */
  cpuSeconds(row: string): number | undefined {
    return medianOf(this.samples(row), ({ usage }) => Object.values(usage).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0))
  }

  /** The most that any role whose name starts with `role` had in any sample: a peak has no median. */
  rssBytesMax(row: string, role = ''): number | undefined {
    const peaks = this.samples(row).flatMap(({ usage }) =>
      Object.entries(usage)
        .filter(([name]) => name.startsWith(role))
        .map(([, { rssBytesMax }]) => rssBytesMax),
    )
    return peaks.length === 0 ? undefined : Math.max(...peaks)
  }
}

function medianOf(samples: readonly Sample[], valueOf: (sample: Sample) => number | undefined): number | undefined {
  const values = samples.map(valueOf).filter((value) => value !== undefined)
  return values.length === 0 ? undefined : median(values)
}
