import { defineCommand } from '../define-command.ts'
import { defaultFlag, repeatedArgument } from '../field.ts'
import { httpUrl } from '../values/address.ts'
import { duration } from '../values/number.ts'

export interface StatusOptions {
  /** Base URLs of daemons' HTTP servers. */
  readonly urls: readonly string[]
  readonly timeoutMs: number
}

export const status = defineCommand({
  name: 'status',
  summary: 'show what running daemons hold, fetch and whom they blame',
  fields: {
    urls: repeatedArgument('HOST:PORT', 'the --http address of a daemon', httpUrl),
    timeoutMs: defaultFlag('timeout', 'DURATION', 'give up after this long', duration, '10s'),
  },
  logLevel: 'warn',
  examples: [
    { line: 'cairn status 127.0.0.1:9000', does: 'one daemon' },
    { line: 'cairn status 127.0.0.1:9000 127.0.0.1:9001 --json', does: 'several, one JSON object a line' },
  ],
})
