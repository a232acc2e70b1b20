import type { Selector } from '@cairn/trust'
import { defineCommand } from '../define-command.ts'
import { requiredArgument } from '../field.ts'
import { CATALOGUE_FIELDS, type CatalogueOptions, checkCatalogue } from '../options.ts'
import { release } from '../values/release.ts'

export interface ShowOptions extends CatalogueOptions {
  readonly release: Selector
}

export const show = defineCommand({
  name: 'show',
  summary: 'show one release: its manifest, sections, sizes and provenance',
  fields: { release: requiredArgument('LEDGER[@HEIGHT|@CHANNEL]', 'the release to show', release), ...CATALOGUE_FIELDS },
  check: checkCatalogue,
  logLevel: 'warn',
  examples: [{ line: 'cairn show mainnet@1200 --workspace ./workspace', does: 'what was published at that height' }],
})
