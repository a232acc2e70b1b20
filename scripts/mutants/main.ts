// Makes the ledger wrong in each way that is written down, and counts the seeds until the simulator notices.
//
//   npm run mutants                       every mutant; exit code 1 if one lives
//   npm run mutants -- "second"           those whose name contains it, or whose rule it is
//   npm run mutants -- --jobs 4           so many at once; as many as there are cores, unless told otherwise
//   npm run mutants -- --without-check    those that one check finds, without it: each must live, or the gate would not bite
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { MUTANTS } from '../../packages/ledger/test/mutation/mutants.ts'
import { showBite } from './bite.ts'
import { type Kill, kill } from './kill.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: String(availableParallelism()) },
    'without-check': { type: 'boolean', default: false },
  },
})
const wanted = positionals[0] ?? ''
const chosen = MUTANTS.filter(({ name, rule }) => name.includes(wanted) || rule === wanted)
const startedMs = performance.now()
if (values['without-check']) await withoutChecks()
else await withAll()

async function withAll(): Promise<void> {
  const kills: Kill[] = []
  await each(chosen, async (mutant) => {
    const found = await kill(mutant)
    kills.push(found)
    const about = found.focus === undefined ? '' : `, about ${found.focus}`
    const where = found.preset === undefined ? '' : ` (${found.preset} ${found.seed}${about})`
    const how =
      found.by === 'nobody'
        ? `ALIVE after ${found.seeds} seeds`
        : found.by === 'hand'
          ? `killed by a schedule written by hand; ${found.seeds} seeds do not`
          : `killed by ${found.invariant} after ${found.seeds} seeds${where}`
    say(mutant.rule, mutant.name, how)
  })
  const seeds = kills.filter(({ by }) => by === 'seeds').map((found) => found.seeds)
  const alive = kills.filter(({ by }) => by === 'nobody').length
  const byHand = kills.filter(({ by }) => by === 'hand').length
  const median = seeds.toSorted((a, b) => a - b)[Math.floor(seeds.length / 2)] ?? 0
  const counts = `${seeds.length} by seeds (median ${median}, most ${Math.max(0, ...seeds)}), ${byHand} by hand`
  console.log(`${kills.length - alive} of ${kills.length} mutants killed: ${counts}; ${seconds()} s`)
  if (alive > 0) process.exitCode = 1
}

async function withoutChecks(): Promise<void> {
  let biting = 0
  const found = chosen.filter(({ foundBy }) => foundBy !== undefined)
  await each(found, async (mutant) => {
    const { check, seedsWith, seedsWithout, killedBy } = await showBite(mutant)
    const bites = seedsWith !== undefined && killedBy === undefined
    if (bites) biting++
    const with_ = seedsWith === undefined ? 'ALIVE' : `killed after ${seedsWith} seeds`
    const without = killedBy === undefined ? `ALIVE after ${seedsWithout} seeds` : `killed by ${killedBy} after ${seedsWithout} seeds`
    say(mutant.rule, mutant.name, `with ${check}: ${with_}; without: ${without}`)
  })
  console.log(`${biting} of ${found.length} mutants live without their check and die with it; ${seconds()} s`)
  if (biting < found.length) process.exitCode = 1
}

/** So many at once as were asked for. */
async function each<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items]
  await Promise.all(
    Array.from({ length: Math.max(1, Number(values.jobs)) }, async () => {
      for (let item = left.shift(); item !== undefined; item = left.shift()) await act(item)
    }),
  )
}

function say(rule: string, name: string, how: string): void {
  console.log(`${rule.padEnd(4)} ${name.padEnd(58)} ${how}`)
}

function seconds(): number {
  return Math.round((performance.now() - startedMs) / 1000)
}
