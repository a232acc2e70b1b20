import { defineCommand } from '../define-command.ts'
import { defaultFlag, switchFlag } from '../field.ts'
import { size } from '../values/number.ts'

export interface DemoOptions {
  /** Leaves everything running until it is told to stop. */
  readonly keep: boolean
  /** About how large the sample ledger is. */
  readonly bytes: number
}

export const demo = defineCommand({
  name: 'demo',
  summary: 'run an origin, a cache and two joining nodes on this machine with a sample ledger',
  fields: {
    keep: switchFlag('keep', 'leave it running and show the status addresses'),
    bytes: defaultFlag('size', 'SIZE', 'size of the sample ledger', size, '128MiB'),
  },
  runsUntilStopped: ({ keep }) => keep,
  logLevel: 'warn',
  examples: [
    { line: 'cairn demo', does: 'publish, mirror, join, kill and resume, verify; then clean up' },
    { line: 'cairn demo --keep', does: 'the same, and leave the daemons running to look at' },
  ],
})
