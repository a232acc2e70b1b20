import type { Findings } from '../report.ts'
import { distribution } from './distribution.ts'
import { incremental } from './incremental.ts'
import type { TableOptions } from './options.ts'
import { latency } from './latency.ts'
import { ledger } from './ledger.ts'
import { ledgerRegions } from './ledger-regions.ts'
import { memory } from './memory.ts'
import { publish } from './publish.ts'
import { resume } from './resume.ts'
import { slowSource } from './slow-source.ts'
import { start } from './start.ts'
import { transfer } from './transfer.ts'
import { updateSize } from './update-size.ts'

export interface TableEntry {
  readonly summary: string
  /** The sample ledger's size unless told otherwise. */
  readonly bytes: string
  measure(options: TableOptions): Promise<Findings>
}

export const TABLES: Readonly<Record<string, TableEntry>> = {
  transfer: { summary: 'publish, 1→1 and 1→4 on loopback, beside plain TCP with SHA-256', bytes: '1GiB', measure: transfer },
  distribution: { summary: '1x1, 1x4 and 1x4 behind 200 Mbit/s, beside other programs', bytes: '256MiB', measure: distribution },
  publish: { summary: 'from a directory to what can be served, beside an archive', bytes: '256MiB', measure: publish },
  start: { summary: 'program start to the bootstrap stage in place', bytes: '256MiB', measure: start },
  memory: { summary: 'peak memory of every role, 1x4', bytes: '1GiB', measure: memory },
  resume: { summary: 'bytes and time after kill -9 at half', bytes: '256MiB', measure: resume },
  'slow-source': { summary: 'a slow and a stalling source beside a good one', bytes: '256MiB', measure: slowSource },
  ledger: { summary: 'finality and operations per second of a replicated ledger, beside etcd', bytes: '256B', measure: ledger },
  'ledger-regions': {
    summary: 'finality in five regions, by what made blocks final, with seats lost',
    bytes: '256B',
    measure: ledgerRegions,
  },
  latency: { summary: '1x1 through a relay that adds 40 ms, beside other programs', bytes: '256MiB', measure: latency },
  incremental: { summary: 'from one version to another behind 200 Mbit/s, beside other programs', bytes: '256MiB', measure: incremental },
  'update-size': { summary: 'bytes of an update beside the bytes that were changed', bytes: '1GiB', measure: updateSize },
}
