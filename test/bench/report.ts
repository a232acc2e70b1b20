import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RowResult } from './harness.ts'
import { currentSetting, type Setting } from './machine.ts'
import { cell, renderMarkdown, renderText, type Table } from './table.ts'

/** One of the ratios that this project holds itself to. */
export interface Target {
  readonly name: string
  readonly is: string
  /** `undefined` where it could not be measured. */
  readonly value: number | undefined
  readonly max: number
  readonly unit?: string
}

/** What a table finds out. */
export interface Findings {
  readonly bench: string
  readonly parameters: Readonly<Record<string, string | number>>
  /** Versions of the programs that ran. */
  readonly versions?: Readonly<Record<string, string>>
  readonly rows: readonly RowResult[]
  readonly tables: readonly Table[]
  readonly targets?: readonly Target[]
  /** What one must know to read the tables, and what was left out. */
  readonly notes: readonly string[]
}

export interface BenchReport extends Findings {
  readonly startedAt: string
  readonly setting: Setting
}

export function benchReport(startedAt: string, findings: Findings): BenchReport {
  return { ...findings, startedAt, setting: currentSetting() }
}

/** The report as people read it: for a terminal, or to be pasted into a document. */
export function formatReport(report: BenchReport, style: 'text' | 'markdown'): string {
  const { bench, setting, parameters, versions = {}, tables, targets = [], notes, rows } = report
  const given = Object.entries(parameters).map(([name, value]) => `${name} ${value}`)
  const place = `${setting.cores} × ${setting.cpu}, ${(setting.memoryBytes / 1024 ** 3).toFixed(0)} GiB, ${setting.os}, Node ${setting.node}`
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  const faults = rows.flatMap(({ name, fault }) => (fault === undefined ? [] : [`failed: ${name}: ${fault.trim()}`]))
  const all = targets.length === 0 ? tables : [...tables, targetTable(targets)]
  return [
    `${bench} at ${setting.commit}: ${given.join(', ')}`,
    [place, ...programs].join(', '),
    ...all.map((table) => (style === 'markdown' ? renderMarkdown(table) : renderText(table))),
    [...notes, ...faults].map((note) => (style === 'markdown' ? `- ${note}` : note)).join('\n'),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

/** Keeps the report with every sample under `results/local`; returns the path. */
export async function saveReport(report: BenchReport): Promise<string> {
  const directory = fileURLToPath(new URL('results/local/', import.meta.url))
  await mkdir(directory, { recursive: true })
  const path = join(directory, `${report.bench}-${report.startedAt.replaceAll(':', '')}.json`)
  await writeFile(path, `${JSON.stringify(report, null, 2)}\n`)
  return path
}

function targetTable(targets: readonly Target[]): Table {
  return {
    title: 'Targets',
    columns: ['', 'what', 'ours', 'target', ''],
    rows: targets.map(({ name, is, value, max, unit = '' }) => {
      const verdict = value === undefined ? 'not measured' : value <= max ? 'met' : 'missed'
      return [name, is, value === undefined ? '–' : `${cell(value, value < 10 ? 3 : 1)}${unit}`, `≤ ${max}${unit}`, verdict]
    }),
  }
}
