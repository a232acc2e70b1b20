import type { LedgerOutcome, LedgerPreset, LedgerSimulation } from '@cairn/simulator'
import { WorkerThread } from '@cairn/storage'
import type { SimulateOptions } from '../commands/simulate.ts'
import { CliError } from '../errors.ts'
import { EXIT } from '../exit-codes.ts'
import type { CommandHandler } from '../handlers.ts'
import type { CommandIo } from '../io.ts'

/** Failures that are told in full; of the others the line that replays them is enough. */
const STORIES_MAX = 1
/** Seeds handed to a thread at once: some seconds of work, so that a person sees it go on and an interrupt is heard. */
const SEEDS_PER_CALL = 20
/** With more runs than this it is said now and then how far they are. */
const QUIET_RUNS_MAX = 500
const PROGRESS_STEPS = 50
const HEAP_MIB = 1024
/** Those with more than one seat. */
const COMMITTEES: readonly LedgerPreset[] = ['cft-3', 'cft-5', 'bft-4', 'bft-7', 'geo-10']

export const runSimulate: CommandHandler<'simulate'> = async (options, io) => {
  const presets = options.presets.flatMap((preset) => (preset === 'all' ? COMMITTEES : [preset]))
  const work = workOf(options, presets)
  const tally = new Tally(options.seeds * presets.length, io)
  await Promise.all(Array.from({ length: options.jobs }, async () => await rehearse(work, tally, io.signal)))
  io.signal.throwIfAborted()
  tally.sum(presets, options.once)
  const [first] = tally.failed
  if (first?.failure === undefined) return
  throw new CliError(
    `seed ${first.seed} of ${first.preset} broke ${first.failure.message.split('\n', 1)[0]}`,
    `replay it with ${first.failure.replay}`,
    EXIT.verification,
    { code: `SIMULATION_${first.failure.invariant}` },
  )
}

/** In the order of the presets, some seeds at a time. */
function workOf({ seed, seeds, once, realSignatures }: SimulateOptions, presets: readonly LedgerPreset[]): LedgerSimulation[][] {
  return presets.flatMap((preset) =>
    Array.from({ length: Math.ceil(seeds / SEEDS_PER_CALL) }, (_, call) => {
      const count = Math.min(SEEDS_PER_CALL, seeds - call * SEEDS_PER_CALL)
      const first = seed + call * SEEDS_PER_CALL
      return Array.from({ length: count }, (__, index) => ({ preset, seed: first + index, twice: !once, realSignatures }))
    }),
  )
}

/** Takes what is left of `work` until nothing is, or the process is told to stop. */
async function rehearse(work: LedgerSimulation[][], tally: Tally, signal: AbortSignal): Promise<void> {
  if (work.length === 0) return
  await using thread = new WorkerThread<readonly LedgerSimulation[], readonly LedgerOutcome[]>(
    new URL('./simulation-worker.ts', import.meta.url),
    { maxOldGenerationSizeMb: HEAP_MIB },
  )
  for (let next = work.shift(); next !== undefined && !signal.aborted; next = work.shift()) {
    for (const outcome of await thread.call(next)) tally.add(outcome)
  }
}

class Tally {
  readonly failed: LedgerOutcome[] = []
  readonly #total: number
  readonly #io: CommandIo
  readonly #startedAt: number
  readonly #faults = new Set<string>()
  #runs = 0
  #steps = 0

  constructor(total: number, io: CommandIo) {
    this.#total = total
    this.#io = io
    this.#startedAt = io.clock.now()
  }

  add(outcome: LedgerOutcome): void {
    const { failure, ...facts } = outcome
    this.#runs++
    this.#steps += outcome.steps
    for (const fault of Object.keys(outcome.faults)) this.#faults.add(fault)
    if (failure !== undefined) {
      if (this.failed.length < STORIES_MAX) this.#io.note(failure.story)
      this.#io.note(`${failure.message}\n  ${failure.replay}`)
      this.failed.push(outcome)
    }
    this.#io.emit({
      type: 'simulated',
      ...facts,
      ...(failure && { invariant: failure.invariant, message: failure.message, replay: failure.replay }),
    })
    const due = this.#total > QUIET_RUNS_MAX && this.#runs % Math.ceil(this.#total / PROGRESS_STEPS) === 0
    if (due)
      this.#io.note(
        `${this.#runs} of ${this.#total} seeds, ${outcome.preset} ${outcome.seed}, ${this.failed.length} failed, ${this.#seconds} s`,
      )
  }

  sum(presets: readonly LedgerPreset[], once: boolean): void {
    const steps = this.#steps * (once ? 1 : 2)
    const stepsPerSecond = Math.round((steps * 1000) / this.#elapsedMs)
    const stuck = this.failed.filter(({ failure }) => failure?.invariant.startsWith('L') === true).length
    const unequal = this.failed.filter(({ failure }) => failure?.invariant === 'HASH').length
    const hashes = once ? 'each run once' : `${this.#runs - this.failed.length} run twice with equal hashes, ${unequal} not`
    this.#io.say(
      {
        type: 'simulation',
        seeds: this.#runs,
        failed: this.failed.length,
        stuck,
        unequal,
        steps,
        stepsPerSecond,
        faults: this.#faults.size,
      },
      [
        `simulated  ${this.#runs} seeds of ${presets.join(', ')}: ${this.failed.length} failed`,
        `steps      ${steps} in ${this.#seconds} s, ${stepsPerSecond} a second, every invariant after each`,
        `liveness   ${this.#runs - stuck} recovered, ${stuck} stuck`,
        `hashes     ${hashes}`,
        `faults     ${this.#faults.size} kinds struck`,
      ].join('\n'),
    )
  }

  get #elapsedMs(): number {
    return Math.max(1, this.#io.clock.now() - this.#startedAt)
  }

  get #seconds(): number {
    return Math.round(this.#elapsedMs / 1000)
  }
}
