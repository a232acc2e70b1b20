import type { Digest } from '../digest.ts'
import { SKIP } from '../votes.ts'
import { patienceMs } from './advance.ts'
import { HOLD_PAUSE_SLOTS_MAX, HOLD_PAUSE_SLOTS_MIN, PATIENCE_MS_MIN } from './limits.ts'
import { certificateOf, type EngineState, setTimer, type SlotState } from './state.ts'
import { castVote, maySign } from './vote.ts'

/**
 * R5: a final vote for the block that this seat first-voted, once the block is notarised, if the seat cast no extra vote in the slot.
 * It closes the slot: this seat never votes in it again.
 */
export function finalVote(state: EngineState, slot: SlotState): void {
  const { first, extras, final } = slot.own
  if (first === undefined || first === SKIP || extras.length > 0 || final !== undefined || !maySign(state, slot)) return
  if (certificateOf(state, slot.slot, first, ['notar']) === undefined) return
  if (isHeld(state, slot, first)) return
  castVote(state, slot, 'final', first)
}

/**
 * Whether the final vote waits a moment for the fast path, which then saves all seats a sync and a round of messages for each block. Nothing
 * holds it back once first votes differ, nor while an older slot waits; and after a wait in vain the next slots do without, twice as many each
 * time, so a seat that is away costs one short wait in many blocks.
 */
function isHeld(state: EngineState, { slot, first: votes }: SlotState, own: Digest): boolean {
  const { hold, current, final } = state
  if (hold.slot !== slot) {
    if (slot !== current - 1 || slot <= hold.pausedTo || hold.slot > final.slot) return false
    hold.slot = slot
    hold.isOver = false
    setTimer(state, 'hold', Math.max(PATIENCE_MS_MIN, patienceMs(state) / 2))
  }
  return !hold.isOver && votes.every((vote) => vote === undefined || vote.digest === own)
}

/** The fast path was not in time. */
export function endHold(state: EngineState): void {
  const { hold, final } = state
  if (hold.slot <= final.slot || hold.isOver) return
  hold.isOver = true
  hold.pausedTo = hold.slot + hold.pauseSlots
  hold.pauseSlots = Math.min(2 * hold.pauseSlots, HOLD_PAUSE_SLOTS_MAX)
  state.waiting.add(hold.slot)
}

/** The fast path made `slot` final: if that was waited for, the next wait in vain costs fewer slots. */
export function noteFast({ hold }: EngineState, slot: number): void {
  if (hold.slot === slot && !hold.isOver) hold.pauseSlots = Math.max(hold.pauseSlots / 2, HOLD_PAUSE_SLOTS_MIN)
}
