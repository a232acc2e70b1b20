import type { Selector } from '@cairn/trust'
import { defineCommand } from '../define-command.ts'
import { requiredArgument } from '../field.ts'
import { CATALOGUE_FIELDS, type CatalogueOptions, checkCatalogue } from '../options.ts'
import { release } from '../values/release.ts'

export interface DiffOptions extends CatalogueOptions {
  readonly from: Selector
  readonly to: Selector
}

export const diff = defineCommand({
  name: 'diff',
  summary: 'show what changed between two releases, and what a node would fetch',
  fields: {
    from: requiredArgument('A', 'the release to start from, as LEDGER[@HEIGHT|@CHANNEL]', release),
    to: requiredArgument('B', 'the release to arrive at', release),
    ...CATALOGUE_FIELDS,
  },
  check: checkCatalogue,
  logLevel: 'warn',
  examples: [{ line: 'cairn diff mainnet@1100 mainnet@1200 --workspace ./workspace', does: 'files changed, chunks and bytes to fetch' }],
})
