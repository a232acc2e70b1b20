import { defineCommand } from '../define-command.ts'
import { defaultFlag, repeatedFlag, requiredArgument } from '../field.ts'
import { text } from '../values/parser.ts'
import { ledgerName, networkName } from '../values/release.ts'

export interface InitOptions {
  readonly workspace: string
  readonly ledgers: readonly string[]
  readonly network: string
}

export const init = defineCommand({
  name: 'init',
  summary: 'create a publisher: a trust root and keys in a new workspace',
  fields: {
    workspace: requiredArgument('WORKSPACE', 'the directory to create', text('a directory')),
    ledgers: repeatedFlag('ledger', 'NAME', 'a ledger that will be published', ledgerName, { required: true }),
    network: defaultFlag('network', 'NAME', 'the network that the ledgers belong to', networkName, 'main'),
  },
  logLevel: 'warn',
  examples: [{ line: 'cairn init ./workspace --ledger mainnet', does: 'write root.json to give out, and say which key to take offline' }],
})
