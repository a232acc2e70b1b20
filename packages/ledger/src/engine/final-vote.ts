import { SKIP } from '../votes.ts'
import { certificateOf, type EngineState, type SlotState } from './state.ts'
import { castVote, maySign } from './vote.ts'

/**
 * R5: a final vote for the block that this seat first-voted, once the block is notarised, if the seat cast no extra vote in the slot.
 * It closes the slot: this seat never votes in it again.
 */
export function finalVote(state: EngineState, slot: SlotState): void {
  const { first, extras, final } = slot.own
  if (first === undefined || first === SKIP || extras.length > 0 || final !== undefined || !maySign(state, slot)) return
  if (certificateOf(state, slot.slot, first, ['notar']) === undefined) return
  castVote(state, slot, 'final', first)
}
