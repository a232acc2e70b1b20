import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { currentSetting, type Setting } from './machine.ts'
import type { Usage } from './process.ts'
import { median } from './statistics.ts'

/** One run of one row. */
export interface Sample {
  readonly bytes: number
  readonly seconds: number
  /** What each role's process cost. */
  readonly usage: Readonly<Record<string, Usage>>
}

/** One line of a table. */
export interface Row {
  readonly name: string
  /** Name of the row that this one is compared with. */
  readonly reference?: string
  measure(run: number): Promise<Sample>
}

export interface RowResult {
  readonly name: string
  readonly reference: string | undefined
  /** Of the samples' rates. */
  readonly mibPerSecondMedian: number
  /** To the reference's median. */
  readonly ratio: number | undefined
  readonly samples: readonly (Sample & { readonly mibPerSecond: number })[]
}

export interface BenchResult {
  readonly bench: string
  readonly startedAt: string
  readonly setting: Setting
  readonly parameters: Readonly<Record<string, string | number>>
  readonly rows: readonly RowResult[]
  /** Whatever else the bench found out. */
  readonly notes: readonly string[]
}

/** Runs every row `runs` times, in turns, so that a machine that slows down slows all of them. */
export async function measureRows(rows: readonly Row[], runs: number, onSample: (row: Row, sample: Sample) => void): Promise<RowResult[]> {
  const samples = new Map<string, Sample[]>(rows.map((row) => [row.name, []]))
  for (let run = 0; run < runs; run++) {
    for (const row of rows) {
      const sample = await row.measure(run)
      samples.get(row.name)!.push(sample)
      onSample(row, sample)
    }
  }
  const medianOf = (name: string): number => median(samples.get(name)!.map(mibPerSecond))
  return rows.map(({ name, reference }) => ({
    name,
    reference,
    mibPerSecondMedian: medianOf(name),
    ratio: reference !== undefined && samples.has(reference) ? medianOf(name) / medianOf(reference) : undefined,
    samples: samples.get(name)!.map((sample) => ({ ...sample, mibPerSecond: mibPerSecond(sample) })),
  }))
}

export function mibPerSecond({ bytes, seconds }: Sample): number {
  return bytes / 1024 ** 2 / seconds
}

export function benchResult(fields: Omit<BenchResult, 'setting'>): BenchResult {
  return { ...fields, setting: currentSetting() }
}

/** The result as people read it. */
export function formatResult({ bench, setting, parameters, rows, notes }: BenchResult): string {
  const head = ['', 'MiB/s', 'ratio', 'to', 'peak RSS', 'CPU', 'samples']
  const body = rows.map((row) => {
    const worst = worstUsage(row)
    return [
      row.name,
      row.mibPerSecondMedian.toFixed(0),
      row.ratio?.toFixed(2) ?? '',
      row.ratio === undefined ? '' : (row.reference ?? ''),
      worst.rssBytesMax === 0 ? '' : `${(worst.rssBytesMax / 1024 ** 2).toFixed(0)} MiB`,
      worst.cpuSeconds === 0 ? '' : `${worst.cpuSeconds.toFixed(2)} s`,
      row.samples.map((sample) => sample.mibPerSecond.toFixed(0)).join(' '),
    ]
  })
  const widths = head.map((_, column) => Math.max(...[head, ...body].map((line) => line[column]!.length)))
  const lines = [head, ...body].map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  )
  const given = Object.entries(parameters).map(([name, value]) => `${name} ${value}`)
  const place = `${setting.cores} × ${setting.cpu}, ${(setting.memoryBytes / 1024 ** 3).toFixed(0)} GiB, Node ${setting.node}, ${setting.os}`
  return [`${bench} at ${setting.commit}: ${given.join(', ')}`, place, '', ...lines, '', ...notes, ''].join('\n')
}

/** Keeps the result with every sample under `results/local`; returns the path. */
export async function saveResult(result: BenchResult): Promise<string> {
  const directory = fileURLToPath(new URL('results/local/', import.meta.url))
  await mkdir(directory, { recursive: true })
  const path = join(directory, `${result.bench}-${result.startedAt.replaceAll(':', '')}.json`)
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`)
  return path
}

/** Of all processes and samples, the most memory; of all samples, the median of what their processes took together. */
function worstUsage(row: RowResult): Usage {
  const usages = row.samples.map((sample) => Object.values(sample.usage))
  return {
    rssBytesMax: Math.max(0, ...usages.flat().map((usage) => usage.rssBytesMax)),
    cpuSeconds: median(usages.map((roles) => roles.reduce((sum, usage) => sum + usage.cpuSeconds, 0))),
  }
}
