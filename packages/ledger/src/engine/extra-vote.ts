import type { Digest } from '../digest.ts'
import { SKIP } from '../votes.ts'
import { wantBlock } from './catch-up.ts'
import { inspectBlock } from './inspect.ts'
import { type EngineState, type SlotState } from './state.ts'
import { firstVotes, firstVotesFor } from './tally.ts'
import { castVote, maySign } from './vote.ts'

/** Whether R3 and R4 are open to this seat: it has first-voted, and it has not closed the slot by a final vote. */
function mayVoteExtra(state: EngineState, slot: SlotState): boolean {
  return slot.own.first !== undefined && slot.own.final === undefined && maySign(state, slot)
}

/** R3: W first votes for a block are evidence that nothing else became final, and allow an extra vote for it. */
export function extraVoteForBlock(state: EngineState, slot: SlotState): void {
  for (const digest of supported(state, slot)) {
    if (!mayVoteExtra(state, slot)) return
    if (slot.own.first === digest || slot.own.extras.includes(digest)) continue
    const block = state.blocks.get(digest)
    if (block === undefined) {
      wantBlock(state, digest)
      continue
    }
    if (inspectBlock(state, block) !== 'good') continue
    castVote(state, slot, 'extra', digest)
  }
}

/** R4: W first votes outside the strongest block are evidence that no block became final by the fast path. */
export function extraVoteToSkip(state: EngineState, slot: SlotState): void {
  if (!mayVoteExtra(state, slot) || slot.own.first === SKIP || slot.own.extras.includes(SKIP)) return
  const { seen, most } = firstVotes(slot)
  if (seen - most >= state.epoch.committee.thresholds.weak) castVote(state, slot, 'extra', SKIP)
}

/** Blocks with at least W first votes, in the order of the seats that voted. */
export function supported(state: EngineState, slot: SlotState): Digest[] {
  const { weak } = state.epoch.committee.thresholds
  const digests = new Set<Digest>()
  for (const vote of slot.first) {
    if (vote !== undefined && vote.digest !== SKIP && firstVotesFor(slot, vote.digest) >= weak) digests.add(vote.digest)
  }
  return [...digests]
}
