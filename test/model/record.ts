import type { PresetName } from '@cairn/ledger'
import { withoutWorld } from '@cairn/simulator'
import { seededRandom } from '@cairn/runtime'
import { scheduleFaults } from '../../packages/simulator/src/ledger/faults.ts'
import { InvariantError } from '../../packages/simulator/src/ledger/invariant.ts'
import { simulatedKeys } from '../../packages/simulator/src/ledger/keys.ts'
import { makePlan } from '../../packages/simulator/src/ledger/plan.ts'
import { World } from '../../packages/simulator/src/ledger/world.ts'
import { TraceRecorder } from './recorder.ts'
import type { TraceLine } from './trace.ts'

/** Tasks of one run; a few hundred bring the slots that a recording has room for. */
const STEPS_MAX = 100_000

export interface RecordedRun {
  readonly lines: readonly TraceLine[]
  /** What the simulator's own checker found, where the recording then ends. */
  readonly failure: string | undefined
}

/** Records the safety phase of a simulator's seed: the engine's replicas under the faults and liars that the seed brings. */
export function recordSimulation(preset: PresetName, seed: number, slotsMax: number): RecordedRun {
  return withoutWorld(() => {
    const random = seededRandom(`ledger/${preset}/${seed}`)
    const plan = makePlan(preset, random)
    const world = new World(plan, simulatedKeys(seed), random)
    const [host] = world.hosts
    if (host?.state === undefined) throw new Error('the first replica did not start')
    const recorder = new TraceRecorder({ size: plan.size, liars: plan.byzantine, base: host.state.init.start.base, slotsMax })
    watch(world, recorder)
    scheduleFaults(world, () => true)
    try {
      world.kernel.run(plan.safetyMs, STEPS_MAX, () => false)
    } catch (error) {
      if (!(error instanceof InvariantError)) throw error
      return { lines: recorder.lines, failure: error.message }
    }
    return { lines: recorder.lines, failure: undefined }
  })
}

/** The simulator's checker is told of everything in the order in which it happens; here the recorder is told as well. */
function watch({ checker: { votes, chain } }: World, recorder: TraceRecorder): void {
  const add = votes.add.bind(votes)
  votes.add = (vote, honest) => {
    recorder.vote(vote)
    add(vote, honest)
  }
  const certificate = votes.certificate.bind(votes)
  votes.certificate = (held) => {
    recorder.certificate(held)
    certificate(held)
  }
  const learnHeader = chain.learnHeader.bind(chain)
  chain.learnHeader = (header) => {
    recorder.header(header)
    learnHeader(header)
  }
  const final = chain.final.bind(chain)
  chain.final = (point, before, who) => {
    recorder.final(point, who)
    final(point, before, who)
  }
}
