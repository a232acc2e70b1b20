import type { Findings } from '../report.ts'
import { distribution } from './distribution.ts'
import type { TableOptions } from './options.ts'
import { transfer } from './transfer.ts'

export interface TableEntry {
  readonly summary: string
  /** The sample ledger's size unless told otherwise. */
  readonly bytes: string
  measure(options: TableOptions): Promise<Findings>
}

export const TABLES: Readonly<Record<string, TableEntry>> = {
  transfer: { summary: 'publish, 1→1 and 1→4 on loopback, beside plain TCP with SHA-256', bytes: '1GiB', measure: transfer },
  distribution: { summary: '1x1, 1x4 and 1x4 behind 200 Mbit/s, beside other programs', bytes: '256MiB', measure: distribution },
}
