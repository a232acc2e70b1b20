// Makes the ledger wrong in each way that is written down, and counts the seeds until the simulator notices.
//
//   npm run mutants                    every mutant; exit code 1 if one lives
//   npm run mutants -- "second"        those whose name contains it
import { MUTANTS } from '../../packages/ledger/test/mutation/mutants.ts'
import { Sandbox } from './sandbox.ts'

const PRESETS = ['cft-3', 'bft-4', 'cft-5', 'bft-7', 'geo-10']
/** Of each preset. */
const SEEDS_MAX = 60
const TIMEOUT_MS = 600_000

const wanted = process.argv[2] ?? ''
const chosen = MUTANTS.filter(({ name, rule }) => name.includes(wanted) || rule === wanted)
const alive: string[] = []
for (const mutant of chosen) {
  await using sandbox = await Sandbox.create(mutant)
  const { killed, seeds, preset, seed, invariant } = await sandbox.hunt(PRESETS, SEEDS_MAX, TIMEOUT_MS)
  // What only a rare schedule shows has one that was written for it.
  const byHand = !killed && (await sandbox.failsByHand(TIMEOUT_MS))
  if (!killed && !byHand) alive.push(mutant.name)
  const where = preset === undefined ? '' : ` (${preset} ${seed})`
  const how = killed ? `killed by ${invariant} after ${seeds} seeds${where}` : byHand ? `killed by hand; ${seeds} seeds do not` : 'ALIVE'
  console.log(`${mutant.rule.padEnd(4)} ${mutant.name.padEnd(58)} ${how}`)
}
console.log(`${chosen.length - alive.length} of ${chosen.length} mutants killed`)
if (alive.length > 0) process.exitCode = 1
