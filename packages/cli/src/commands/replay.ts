import { defineCommand } from '../define-command.ts'
import { requiredArgument } from '../field.ts'
import { text } from '../values/parser.ts'

export interface ReplayOptions {
  readonly trace: string
}

export const replay = defineCommand({
  name: 'replay',
  summary: 'run a recorded download through the scheduler again, and compare every decision',
  fields: { trace: requiredArgument('FILE', 'what `cairn join --trace FILE` recorded', text('a file')) },
  logLevel: 'warn',
  examples: [
    { line: 'cairn replay join.trace', does: 'exit code 0 if it asks for the same again in the same order, 3 with the line if not' },
  ],
})
