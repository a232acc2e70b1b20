import { loadModel, simulate } from './quint.ts'
import { type Move, type Recording, replayModule } from './trace.ts'

export type ReplayResult =
  | { readonly type: 'allowed'; readonly moves: number }
  /** The first move that the rules do not allow. */
  | { readonly type: 'refused'; readonly move: Move }
  /** Every move was allowed, and an invariant is violated. */
  | { readonly type: 'unsafe' }

/** Runs a recorded run through the model. */
export async function replay(recording: Recording): Promise<ReplayResult> {
  const { moves } = recording
  if (moves.length === 0) return { type: 'allowed', moves: 0 }
  const model = await loadModel('recorded.qnt', replayModule(recording))
  const { violated, statesMax, witnessed } = simulate(model, {
    main: 'recorded',
    init: 'replayInit',
    step: 'replayStep',
    invariant: 'safeAtEnd',
    witnesses: ['finished'],
    samplesMax: 1,
    stepsMax: moves.length,
    seed: 1n,
  })
  if (violated) return { type: 'unsafe' }
  if (witnessed['finished'] === 1) return { type: 'allowed', moves: moves.length }
  // The first state is before all moves; the trace ends at the first that is not allowed.
  const move = moves[statesMax - 1]
  if (move === undefined) throw new Error(`the replay ended after ${statesMax} states of ${moves.length + 1}`)
  return { type: 'refused', move }
}
