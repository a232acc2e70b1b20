import type { Digest } from '../digest.ts'
import type { ChainPoint } from '../header.ts'
import { startSlotTimers } from './advance.ts'
import { enterEpoch } from './epochs.ts'
import { applyReady, finalAt, finalise, halt, prunePayloads } from './finalise.ts'
import { RECENT_OPERATIONS_MAX } from './limits.ts'
import { forgetNamed } from './named-committees.ts'
import type { EpochStart } from './messages.ts'
import { forgetFinal } from './pool.ts'
import { emitEffect, type EngineState } from './state.ts'

/** A state that a certified checkpoint stands for, and that is in place of the old one on disk (P7). */
export interface InstalledSnapshot {
  /** The checkpoint's epoch. */
  readonly start: EpochStart
  /** The block that the state is of. */
  readonly point: ChainPoint
  readonly stateRoot: Digest
  /** Ids that the state's window remembers, oldest first. */
  readonly recent: readonly string[]
}

/**
 * Goes on from a snapshot: what is behind it is final and applied. Own votes in later slots stand as they were; in those up to the snapshot
 * nothing is voted any more, because they are closed.
 */
export function installSnapshot(state: EngineState, { start, point, stateRoot, recent }: InstalledSnapshot): void {
  if (state.halted || point.height <= state.applied) return
  if (start.number > state.epoch.number) {
    // How the epoch began is on disk with the snapshot, which is what P6 asks for.
    enterEpoch(state, start)
    state.active = true
    state.epochToken = undefined
    if (state.retiring !== undefined) emitEffect(state, { type: 'eraseKey', publicKey: state.retiring })
    state.retiring = undefined
    emitEffect(state, { type: 'emit', event: { type: 'epoch-started', start: state.epoch, seat: state.seat } })
  }
  if (point.height > state.final.height) jumpTo(state, point)
  else if (finalAt(state, point.height)?.digest !== point.digest) return halt(state, { slot: point.slot, digest: point.digest })
  state.applied = point.height
  state.applyNext = point.height + 1
  state.stateRoots.clear()
  state.stateRoots.set(point.height, stateRoot)
  const { pool } = state
  for (const id of recent.slice(-RECENT_OPERATIONS_MAX)) pool.recent.add(id)
  // What had its effect in blocks that were never here waits for nothing any more.
  forgetFinal(
    state,
    [...pool.own, ...pool.foreign].filter(({ id }) => pool.recent.has(id)),
  )
  for (const [key, { want }] of state.wants) if (want.type === 'payload') state.wants.delete(key)
  prunePayloads(state)
  state.changed = true
  state.waiting.add(state.current)
  startSlotTimers(state)
  finalise(state)
  applyReady(state)
}

/** The chain begins again at `point`: what this replica knew of slots up to there is worth nothing any more. */
function jumpTo(state: EngineState, point: ChainPoint): void {
  for (const { digest } of state.history) state.blocks.delete(digest)
  state.history = []
  for (const [number, slot] of state.slots) {
    if (number > point.slot) continue
    for (const digest of slot.blocks) state.blocks.delete(digest)
    state.slots.delete(number)
    state.waiting.delete(number)
  }
  state.orphaned = state.orphaned.filter(({ slot }) => slot > point.slot)
  if (state.pendingFinal !== undefined && state.pendingFinal.slot <= point.slot) state.pendingFinal = undefined
  state.wants.clear()
  state.final = point
  forgetNamed(state)
  state.current = Math.max(state.current, point.slot + 1)
  state.barren = 0
  state.atTip = false
}
