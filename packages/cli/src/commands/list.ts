import { defineCommand } from '../define-command.ts'
import { optionalArgument } from '../field.ts'
import { CATALOGUE_FIELDS, type CatalogueOptions, checkCatalogue } from '../options.ts'
import { ledgerName } from '../values/release.ts'

export interface ListOptions extends CatalogueOptions {
  /** All ledgers if `undefined`. */
  readonly ledger: string | undefined
}

export const list = defineCommand({
  name: 'list',
  summary: 'list the releases of a publisher',
  fields: { ledger: optionalArgument('LEDGER', 'only of this ledger', ledgerName), ...CATALOGUE_FIELDS },
  check: checkCatalogue,
  logLevel: 'warn',
  examples: [
    { line: 'cairn list --workspace ./workspace', does: 'as the publisher has them' },
    { line: 'cairn list mainnet --trust root.json --peer /ip4/192.0.2.7/tcp/4001', does: 'as a peer proves them' },
  ],
})
