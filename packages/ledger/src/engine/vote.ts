import type { Digest } from '../digest.ts'
import { signVote, type VoteKind } from '../votes.ts'
import { type EngineState, record, sendAfterRecords, type SlotState } from './state.ts'

/** Whether this replica may sign in the slot at all: it has a seat, its epoch goes on, and the slot is open. */
export function maySign(state: EngineState, slot: SlotState): boolean {
  return state.seat !== undefined && state.active && !state.halted && slot.slot > state.final.slot
}

/** P1: marks the vote, hands it to the log, and lets it leave once it is durable. It counts here no sooner. */
export function castVote(state: EngineState, slot: SlotState, kind: VoteKind, digest: Digest): void {
  const { seat, signer, epoch, init } = state
  if (seat === undefined || signer === undefined) return
  if (kind === 'first') state.votedAt = state.now
  if (kind === 'first') slot.own.first = digest
  else if (kind === 'extra') slot.own.extras.push(digest)
  else slot.own.final = digest
  const vote = signVote(init.ledger, signer, { kind, epoch: epoch.number, slot: slot.slot, digest, seat })
  record(state, { type: 'vote', epoch: epoch.number, slot: slot.slot, kind, digest })
  state.castNow.push(vote)
  sendAfterRecords(state, state.others, { type: 'vote', vote })
}
