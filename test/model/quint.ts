import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { load, parse, typecheck, type TypecheckedStage } from '@informalsystems/quint/dist/src/cliCommands.js'
import { toExpr } from '@informalsystems/quint/dist/src/cliHelpers.js'
import type { QuintEx } from '@informalsystems/quint/dist/src/ir/quintIr.js'
import { newRng } from '@informalsystems/quint/dist/src/rng.js'
import { Evaluator } from '@informalsystems/quint/dist/src/runtime/impl/evaluator.js'
import { newTraceRecorder } from '@informalsystems/quint/dist/src/runtime/trace.js'

export const MODEL_DIRECTORY = fileURLToPath(new URL('../../packages/ledger/model/', import.meta.url))

/** A checked Quint specification; each of its modules can be run. */
export type Model = TypecheckedStage

/** What `quint run --backend typescript` is told, but for the file. */
export interface Simulation {
  readonly main: string
  readonly init: string
  readonly step?: string
  readonly invariant: string
  /** Counted for each trace in which they hold in some state after the first. */
  readonly witnesses: readonly string[]
  readonly samplesMax: number
  readonly stepsMax: number
  readonly seed: bigint
}

export interface SimulationResult {
  /** Whether the invariant failed; the last trace run is then the one that shows it. */
  readonly violated: boolean
  /** Traces that were run. */
  readonly samples: number
  /** States of the longest trace. */
  readonly statesMax: number
  readonly witnessed: Readonly<Record<string, number>>
}

/** The specification in `file` of the model's folder, in which `text` replaces what is on disk. */
export async function loadModel(file: string, text?: string): Promise<Model> {
  const path = `${MODEL_DIRECTORY}${file}`
  const source = text ?? (await readFile(path, 'utf8'))
  // Loading wants a file; the text of a generated one exists here only.
  const loaded = (await load({ input: text === undefined ? path : `${MODEL_DIRECTORY}rules.qnt` })).unwrap()
  const parsed = await parse({ ...loaded, path, sourceCode: new Map([[path, source]]) })
  if (parsed.isLeft()) throw new Error(`${file}: ${describe(parsed.value.stage.errors)}`)
  const checked = await typecheck(parsed.value)
  if (checked.isLeft()) throw new Error(`${file}: ${describe(checked.value.stage.errors)}`)
  return checked.value
}

/**
 * Runs random traces until the invariant fails or the samples are used up. The same seed gives the same traces.
 *
 * Quint's own command does the same behind its printing; from inside, one parse serves many runs, and the counts are numbers.
 */
export function simulate(model: Model, simulation: Simulation): SimulationResult {
  const { main, init, step = 'step', invariant, witnesses, samplesMax, stepsMax, seed } = simulation
  const stage = { ...model, args: { ...model.args, main } }
  const expression = (text: string): QuintEx => {
    const parsed = toExpr(stage, text)
    if (parsed.isLeft()) throw new Error(`${main}: ${text}: ${parsed.value.message}`)
    return parsed.value
  }
  const rng = newRng(seed)
  const evaluator = new Evaluator(model.resolver.table, newTraceRecorder(0, rng, 1), rng)
  const outcome = evaluator.simulate(
    expression(init),
    expression(step),
    expression(invariant),
    witnesses.map(expression),
    samplesMax,
    stepsMax,
    1,
  )
  if (outcome.status === 'error') throw new Error(`${main}: ${outcome.errors.map(({ code, message }) => `${code} ${message}`).join('; ')}`)
  return {
    violated: outcome.status === 'violation',
    samples: outcome.samples,
    statesMax: outcome.traceStatistics.maxTraceLength,
    witnessed: Object.fromEntries(witnesses.map((witness, index) => [witness, outcome.witnessingTraces[index] ?? 0])),
  }
}

function describe(errors: readonly { readonly explanation: string }[]): string {
  return errors.map(({ explanation }) => explanation).join('; ')
}
