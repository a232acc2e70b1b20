import type { PresetName } from '@cairn/ledger'
import { seededRandom } from '@cairn/runtime'
import { EscapeError, withoutWorld } from '../kernel/guard.ts'
import { scheduleFaults } from './faults.ts'
import { type Focus, focused } from './focus.ts'
import { insist, InvariantError, withoutChecks } from './invariant.ts'
import { livenessPhase, STEPS_MAX } from './liveness.ts'
import { realKeys, simulatedKeys } from './keys.ts'
import type { LedgerObserver } from './observer.ts'
import { makePlan } from './plan.ts'
import { Story } from './story.ts'
import { World } from './world.ts'

/** Committees that are rehearsed, from small to large. */
export const LEDGER_PRESETS = ['single', 'cft-3', 'bft-4', 'cft-5', 'bft-7', 'geo-10'] as const satisfies readonly PresetName[]

export type LedgerPreset = (typeof LEDGER_PRESETS)[number]

export interface LedgerSimulation {
  readonly seed: number
  readonly preset: LedgerPreset
  /** Runs the seed a second time and compares; on unless told otherwise. */
  readonly twice?: boolean
  /** Real Ed25519 in place of signatures that cost nothing. */
  readonly realSignatures?: boolean
  /** What goes wrong, in place of most of what the seed says. */
  readonly focus?: Focus | undefined
  /** Invariants that are not checked. */
  readonly without?: readonly string[]
  /** Hears of the first run of the seed. */
  readonly observer?: LedgerObserver
}

export interface LedgerOutcome {
  readonly seed: number
  readonly preset: LedgerPreset
  readonly failure: LedgerFailure | undefined
  /** Of all that happened. */
  readonly traceHash: string
  readonly steps: number
  /** Final blocks when the run ended, and epochs that had begun. */
  readonly height: number
  readonly epochs: number
  /** How often each fault struck and each lie was told. */
  readonly faults: Readonly<Record<string, number>>
}

export interface LedgerFailure {
  /** `S4`, `L1`, … or `ERROR` if something threw, `HASH` if two runs of the seed differ. */
  readonly invariant: string
  readonly message: string
  /** The last slots, one line for each thing that happened. */
  readonly story: string
  /** What runs it again. */
  readonly replay: string
}

/** Runs one seed: a safety phase under faults, then the liveness phase. Nothing but the seed and the preset decides what happens. */
export function simulateLedger(options: LedgerSimulation): LedgerOutcome {
  const { without = [] } = options
  return withoutWorld(() => withoutChecks(without, () => simulateSeed(options)))
}

function simulateSeed(options: LedgerSimulation): LedgerOutcome {
  const first = runOnce(options, { observer: options.observer })
  if (first.failure !== undefined) return explained(options, first)
  if (options.twice === false) return first
  const second = runOnce(options, {})
  if (second.traceHash === first.traceHash) return first
  return { ...first, failure: failure(options, 'HASH', `two runs differ: ${first.traceHash} and ${second.traceHash}`, '') }
}

/** Runs a failed seed again, this time writing down what happens. */
function explained(options: LedgerSimulation, outcome: LedgerOutcome): LedgerOutcome {
  const story = new Story()
  const again = runOnce(options, { story })
  return again.failure === undefined ? outcome : again
}

function runOnce(
  options: LedgerSimulation,
  watchers: { readonly story?: Story; readonly observer?: LedgerObserver | undefined },
): LedgerOutcome {
  const { seed, preset } = options
  const random = seededRandom(`ledger/${preset}/${seed}`)
  const plan = focused(makePlan(preset, random), options.focus)
  const keys = options.realSignatures === true ? realKeys(seed) : simulatedKeys(seed)
  let world: World | undefined
  let found: LedgerFailure | undefined
  try {
    world = new World(plan, keys, random, watchers)
    safetyPhase(world)
    livenessPhase(world)
  } catch (error) {
    if (error instanceof EscapeError || !(error instanceof Error)) throw error
    const invariant = error instanceof InvariantError ? error.invariant : 'ERROR'
    found = failure(options, invariant, error instanceof InvariantError ? error.message : String(error.stack), watchers.story?.text ?? '')
  }
  return {
    seed,
    preset,
    failure: found,
    traceHash: world?.kernel.trace.toString() ?? '',
    steps: world?.kernel.steps ?? 0,
    height: world?.checker.chain.height ?? 0,
    faults: Object.fromEntries(world?.counters.counts ?? []),
    epochs: 1 + Math.max(0, ...(world?.hosts.map(({ state }) => state?.epoch.number ?? 0) ?? [])),
  }
}

function safetyPhase(world: World): void {
  const { plan, kernel } = world
  let going = true
  scheduleFaults(world, () => going)
  const why = kernel.run(plan.safetyMs, STEPS_MAX, () => false)
  going = false
  insist(why !== 'steps', 'S22', () => `${STEPS_MAX} steps did not bring the run to ${plan.safetyMs} ms`)
}

function failure({ seed, preset, realSignatures }: LedgerSimulation, invariant: string, message: string, story: string): LedgerFailure {
  const flags = realSignatures === true ? ' --real-signatures' : ''
  return { invariant, message, story, replay: `cairn simulate ledger --preset ${preset} --seed ${seed}${flags}` }
}
