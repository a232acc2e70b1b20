import { emitEffect, type EngineState, leaderOf, setTimer } from './state.ts'
import { BACKOFF_DOUBLINGS_MAX, BATCH_OPERATIONS, GATHER_MS_MAX, LINGER_SHARE, PATIENCE_MS_MAX, PATIENCE_MS_MIN } from './limits.ts'

/** R6: enters `slot`, because a certificate of the slot before it is known. */
export function advanceTo(state: EngineState, slot: number): void {
  if (slot <= state.current) return
  state.current = slot
  state.stalls = 0
  state.mayPipeline = false
  state.mayHeartbeat = false
  state.waiting.add(slot)
  state.changed = true
  emitEffect(state, { type: 'emit', event: { type: 'slot-entered', slot, leader: leaderOf(state, slot) } })
  startSlotTimers(state)
}

/** Starts to wait for the current slot's leader: briefly if there is work to do, else until its sign of life is overdue. */
export function startSlotTimers(state: EngineState): void {
  if (state.seat === undefined) return
  const { idleMs } = state.init.settings
  state.urgent = hasWork(state)
  state.gathering = undefined
  setTimer(state, 'slot', leaderTimeoutMs(state) + (state.urgent ? 0 : idleMs))
  if (leaderOf(state, state.current) === state.seat) setTimer(state, 'propose', isPipelined(state) ? patienceMs(state) : idleMs)
}

/** The leader has waited: at first for a fuller block, then for operations. */
export function endWait(state: EngineState): void {
  if (state.gathering?.isTimed === true) {
    state.gathering = undefined
    setTimer(state, 'propose', state.init.settings.idleMs)
    return
  }
  if (state.mayPipeline || !isPipelined(state)) {
    state.mayHeartbeat = true
    return
  }
  state.mayPipeline = true
  // A block that is certified becomes final by the votes that are on their way; an empty one on top of it helps only where those are lost.
  setTimer(state, 'propose', Math.min(state.init.settings.idleMs, leaderTimeoutMs(state) / LINGER_SHARE))
}

/**
 * Blocks with `operationsCount` operations are final, and their clients come back in a moment. Until as many operations are here as there were,
 * or for as long as the block took since the first of them, the leader waits: a block costs all seats as much for one operation as for
 * hundreds.
 */
export function gather(state: EngineState, operationsCount: number): void {
  const { seat, current, now, votedAt, init } = state
  const target = operationsCount + waitingCount(state)
  if (target < 2 || isPipelined(state) || leaderOf(state, current) !== seat) return
  state.gathering = { target, waitMs: Math.min(Math.max(1, now - votedAt), GATHER_MS_MAX), isTimed: false }
  setTimer(state, 'propose', init.settings.idleMs)
}

/** Whether more operations are about to come than are here. */
export function isGathering(state: EngineState): boolean {
  const { gathering } = state
  const count = waitingCount(state)
  if (gathering === undefined || count === 0 || count >= Math.min(gathering.target, BATCH_OPERATIONS)) return false
  if (!gathering.isTimed) setTimer(state, 'propose', gathering.waitMs)
  gathering.isTimed = true
  return true
}

function waitingCount({ pool }: EngineState): number {
  return pool.own.length + pool.foreign.length
}

/** Whether a block of the current slot would stand on one that is certified and not final. */
export function isPipelined({ current, final }: EngineState): boolean {
  return current > final.slot + 1
}

/** What was waited for is final: a leader that has nothing to propose has the long time again. */
export function makeIdle(state: EngineState): void {
  if (state.urgent && !hasWork(state)) startSlotTimers(state)
}

/** Work has come to a slot that was idle: its leader has the short time from now on. */
export function makeUrgent(state: EngineState): void {
  if (state.urgent || state.seat === undefined) return
  state.urgent = true
  setTimer(state, 'slot', leaderTimeoutMs(state))
}

/** Whether something here waits for the next block: operations, or blocks that are certified and not final. */
function hasWork(state: EngineState): boolean {
  return state.pool.own.length > 0 || state.current > state.final.slot + 1
}

/** Doubled while nothing becomes final, so that some slot is longer than the network's delays, however long these are. */
function leaderTimeoutMs(state: EngineState): number {
  const doublings = Math.min(Math.max(state.barren - 1, 0), BACKOFF_DOUBLINGS_MAX)
  return state.init.settings.leaderTimeoutMs * 2 ** doublings
}

/** How long votes that are on their way are waited for: as long as it took from the own first vote to here, within bounds. */
export function patienceMs({ now, votedAt }: EngineState): number {
  return Math.min(Math.max(PATIENCE_MS_MIN, now - votedAt), PATIENCE_MS_MAX)
}
