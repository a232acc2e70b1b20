import { SKIP } from '../votes.ts'
import type { SkipReason } from './events.ts'
import { inspectBlock } from './inspect.ts'
import { certificateOf, emitEffect, type EngineState, leaderOf, type SlotState } from './state.ts'
import { castVote, maySign } from './vote.ts'

/** R1: the one first vote of a slot goes to the first block of its leader that passes every check. */
export function firstVoteForBlock(state: EngineState, slot: SlotState): void {
  if (slot.own.first !== undefined || !maySign(state, slot)) return
  for (const digest of slot.blocks) {
    const block = state.blocks.get(digest)
    if (block === undefined || inspectBlock(state, block) !== 'good') continue
    castVote(state, slot, 'first', digest)
    return
  }
}

/** R2: a first vote to skip the current slot, for a reason that its leader gave. */
export function firstVoteToSkip(state: EngineState, slot: SlotState): void {
  if (slot.own.first !== undefined || slot.slot !== state.current || !maySign(state, slot)) return
  const reason = skipReason(state, slot)
  if (reason === undefined) return
  emitEffect(state, { type: 'emit', event: { type: 'skip-voted', slot: slot.slot, reason } })
  castVote(state, slot, 'first', SKIP)
}

function skipReason(state: EngineState, slot: SlotState): SkipReason | undefined {
  const leader = leaderOf(state, slot.slot)
  if (slot.timedOut) return 'timeout'
  if (slot.first[leader]?.digest === SKIP) return 'leader-skipped'
  // Invalid is what no later message can mend; a leader's second proposal may still be good.
  const verdicts = slot.blocks.map((digest) => state.blocks.get(digest)).map((block) => block && inspectBlock(state, block))
  if (verdicts.length > 0 && verdicts.every((verdict) => verdict === 'bad')) return 'invalid'
  if (leader !== state.seat && slot.blocks.length === 0 && isInactive(state, leader)) return 'leader-inactive'
  return undefined
}

/**
 * Whether `leader` need not be waited for. Either nothing was heard of it for some slots, while a quorum was heard of; or it talks, and
 * yet the last slots were its own and all skipped: the rest of its term would go the same way. Each term begins with a fresh chance.
 */
export function isInactive(state: EngineState, leader: number): boolean {
  const since = state.current - state.init.settings.inactiveSlots
  if (since <= state.epoch.base.slot) return false
  if (state.lastActive[leader]! >= since) return wastesTerm(state, leader, since)
  const active = state.lastActive.filter((slot, seat) => seat === state.seat || slot >= since).length
  return active >= state.epoch.committee.thresholds.quorum
}

function wastesTerm(state: EngineState, leader: number, since: number): boolean {
  for (let slot = since; slot < state.current; slot++) {
    if (leaderOf(state, slot) !== leader || certificateOf(state, slot, SKIP, ['skip']) === undefined) return false
  }
  return true
}
