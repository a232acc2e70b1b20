import type { LedgerPreset } from '@cairn/simulator'
import { defineCommand } from '../define-command.ts'
import { defaultFlag, repeatedFlag, requiredArgument, switchFlag } from '../field.ts'
import { integer } from '../values/number.ts'
import { oneOf } from '../values/parser.ts'
import { PRESET_NAMES } from '../values/preset-names.ts'

export interface SimulateOptions {
  readonly what: 'ledger'
  readonly seed: number
  readonly seeds: number
  /** `all` stands for each that has more than one seat. */
  readonly presets: readonly (LedgerPreset | 'all')[]
  readonly jobs: number
  readonly once: boolean
  readonly realSignatures: boolean
}

export const simulate = defineCommand({
  name: 'simulate',
  summary: 'rehearse disasters under a virtual clock, every invariant checked after every step',
  fields: {
    what: requiredArgument('WHAT', 'what to rehearse: ledger', oneOf('ledger')),
    seed: defaultFlag('seed', 'N', 'the first seed: it alone decides what happens', integer(0, 1), '1'),
    seeds: defaultFlag('seeds', 'M', 'how many seeds of each committee', integer(1, 100), '1'),
    presets: repeatedFlag(
      'preset',
      'NAME',
      'committee: single, cft-3, bft-4, cft-5, bft-7, geo-10, or all but the first',
      oneOf(...PRESET_NAMES, 'all'),
      { fallback: ['bft-7'] },
    ),
    jobs: defaultFlag('jobs', 'N', 'how many seeds at once, each in a thread', integer(1, 2), '1'),
    once: switchFlag('once', 'run each seed once, without comparing two runs of it'),
    realSignatures: switchFlag('real-signatures', 'sign and verify with Ed25519, about ten times slower'),
  },
  logLevel: 'warn',
  examples: [
    { line: 'cairn simulate ledger --seed 42', does: 'one seed with seven seats; exit code 3 and the story of the last slots if it fails' },
    { line: 'cairn simulate ledger --seeds 1000 --preset cft-3 --preset geo-10', does: 'a thousand seeds of each' },
    { line: 'cairn simulate ledger --seeds 4000 --preset all --jobs 2', does: 'four thousand of all five, on two cores' },
  ],
})
