import { defineCommand } from '../define-command.ts'
import { optionalFlag, requiredArgument } from '../field.ts'
import { text } from '../values/parser.ts'

export interface VerifyOptions {
  readonly directory: string
  /** Also checks that this root still vouches for the release; without it, the one the directory was joined with. */
  readonly trust: string | undefined
}

export const verify = defineCommand({
  name: 'verify',
  summary: 'check every byte of a joined directory against its signed release',
  fields: {
    directory: requiredArgument('DIR', 'a directory that was joined', text('a directory')),
    trust: optionalFlag('trust', 'FILE', 'trust this root.json instead of the one the directory was joined with', text('a file')),
  },
  logLevel: 'warn',
  examples: [{ line: 'cairn verify ./state', does: 'exit code 0 if it is what was signed, 3 if not' }],
})
