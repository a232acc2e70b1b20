import { defineCommand } from '../define-command.ts'
import { optionalArgument, requiredArgument } from '../field.ts'
import { integer } from '../values/number.ts'
import { text } from '../values/parser.ts'

export interface RollbackOptions {
  readonly directory: string
  /** The version before the one in use if absent. */
  readonly height: number | undefined
}

export const rollback = defineCommand({
  name: 'rollback',
  summary: 'put an older version of a followed directory into use again',
  fields: {
    directory: requiredArgument('DIR', 'a directory of `cairn join --follow`', text('a directory')),
    height: optionalArgument('HEIGHT', 'the version; the one before the one in use by default', integer(0, 1200)),
  },
  logLevel: 'warn',
  examples: [
    {
      line: 'cairn rollback ./node',
      does: 'the version before; a following node stays there until there is a newer one than it went back from',
    },
    { line: 'cairn rollback ./node 1200', does: 'an exact height, forward as well as back' },
  ],
})
