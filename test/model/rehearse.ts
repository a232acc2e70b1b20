import type { Flaw } from './flaws.ts'
import type { Instance } from './instances.ts'
import { type Model, simulate, type SimulationResult } from './quint.ts'

/** The protocol as it is: all invariants must hold in every trace, and every witness must be seen. */
export function rehearse(model: Model, instance: Instance, samplesMax: number, seed: bigint): SimulationResult {
  const { main, stepsMax, witnesses } = instance
  return simulate(model, { main, init: 'init', invariant: 'safe', witnesses, samplesMax, stepsMax, seed })
}

/** The protocol without a guard that the model can spare: all invariants must hold all the same. */
export function rehearseSpare(model: Model, instance: Instance, guard: string, samplesMax: number, seed: bigint): SimulationResult {
  const { main, stepsMax } = instance
  return simulate(model, { main, init: `initWith("${guard}")`, invariant: 'safe', witnesses: [], samplesMax, stepsMax, seed })
}

/** Traces until the flaw broke what it must break; `undefined` if it never did. */
export function samplesToFind(model: Model, instance: Instance, flaw: Flaw, samplesMax: number, seed: bigint): number | undefined {
  const { main, stepsMax } = instance
  const init = `initWith("${flaw.name}")`
  const { violated, samples } = simulate(model, { main, init, invariant: flaw.breaks, witnesses: [], samplesMax, stepsMax, seed })
  return violated ? samples : undefined
}

export function isBorne(flaw: Flaw, preset: string): boolean {
  return flaw.borne?.by.includes(preset) ?? false
}
