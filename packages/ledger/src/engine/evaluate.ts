import { extraVoteForBlock, extraVoteToSkip } from './extra-vote.ts'
import { finalVote } from './final-vote.ts'
import { firstVoteForBlock, firstVoteToSkip } from './first-vote.ts'
import { STALE_SLOTS_MAX } from './limits.ts'
import { type EngineState, slotOf } from './state.ts'

/** R1 to R5 for one slot, in this order: closing a slot by a final vote goes before leaving the choice open by an extra one. R8: also old slots. */
export function evaluateSlot(state: EngineState, slotNumber: number): void {
  if (slotNumber <= state.final.slot || slotNumber > state.current || slotNumber + STALE_SLOTS_MAX < state.current) return
  const slot = slotOf(state, slotNumber)
  firstVoteForBlock(state, slot)
  firstVoteToSkip(state, slot)
  finalVote(state, slot)
  extraVoteForBlock(state, slot)
  extraVoteToSkip(state, slot)
}

/** Looks again at all slots in which something was waited for. */
export function evaluateWaiting(state: EngineState): void {
  const waiting = [...state.waiting].sort((a, b) => a - b)
  state.waiting.clear()
  for (const slot of waiting) evaluateSlot(state, slot)
}
