import type { Digest } from '../digest.ts'
import { SKIP, type Vote, verifyVote } from '../votes.ts'
import { formCertificates } from './certify.ts'
import { type Evidence, votesConflict } from './evidence.ts'
import { answerFinalVote } from './fast-proof.ts'
import { SLOTS_AHEAD_MAX } from './limits.ts'
import type { PeerId } from './messages.ts'
import { emitEffect, type EngineState, send, type SlotState, slotOf } from './state.ts'

/** What the first votes of a slot say. */
export interface FirstVotes {
  /** Distinct seats whose first vote is known. */
  readonly seen: number
  /** The most of them for one block. */
  readonly most: number
}

/** Counts first votes by seat: a seat counts once, whatever else it signed. */
export function firstVotes(slot: SlotState): FirstVotes {
  let seen = 0
  let most = 0
  for (const vote of slot.first) {
    if (vote === undefined) continue
    seen++
    if (vote.digest !== SKIP) most = Math.max(most, firstVotesFor(slot, vote.digest))
  }
  return { seen, most }
}

export function firstVotesFor(slot: SlotState, digest: Digest): number {
  let count = 0
  for (const vote of slot.first) if (vote?.digest === digest) count++
  return count
}

/** Takes a vote of a peer: only what is new, of this epoch, open, not far ahead and signed. Returns whether it counted. */
export function receiveVote(state: EngineState, from: PeerId, vote: Vote): boolean {
  const { epoch, seat: self, current, final } = state
  if (vote.epoch !== epoch.number || vote.seat === self) return false
  const member = epoch.committee.members[vote.seat]
  if (member === undefined) return false
  if (member.peer === from) noteActive(state, vote.seat, vote.slot)
  if (vote.slot <= final.slot) answerFinalVote(state, from, vote)
  if (vote.slot <= final.slot || vote.slot > current + SLOTS_AHEAD_MAX) return false
  const slot = slotOf(state, vote.slot)
  if (isKnown(slot, vote) || !verifyVote(state.init.ledger, epoch.committee, state.init.verifier, vote)) return false
  return countVote(state, slot, vote)
}

/** Adds a verified vote to its slot, and forms the certificates that it completes. */
export function countVote(state: EngineState, slot: SlotState, vote: Vote): boolean {
  const conflict = votesOf(slot, vote.seat).find((known) => votesConflict(known, vote))
  if (conflict !== undefined) convict(state, { type: 'votes', first: conflict, second: vote }, vote.seat)
  switch (vote.kind) {
    case 'first':
      if (slot.first[vote.seat] !== undefined) return false
      slot.first[vote.seat] = vote
      break
    case 'extra': {
      const extras = slot.extras[vote.seat]!
      if (extras.length >= extrasMax(state)) return false
      extras.push(vote)
      break
    }
    case 'final':
      if (slot.finals[vote.seat] !== undefined) return false
      slot.finals[vote.seat] = vote
      break
    default:
      return vote.kind satisfies never
  }
  state.waiting.add(slot.slot)
  state.changed = true
  formCertificates(state, slot, vote.digest)
  return true
}

/** Extra votes that a seat which keeps the rules can cast in one slot: each block takes W first votes of its own, and one may be to skip. */
function extrasMax({ epoch }: EngineState): number {
  return Math.floor(epoch.committee.size.n / epoch.committee.thresholds.weak) + 1
}

function isKnown(slot: SlotState, vote: Vote): boolean {
  switch (vote.kind) {
    case 'first':
      return slot.first[vote.seat]?.digest === vote.digest
    case 'extra':
      return slot.extras[vote.seat]!.some(({ digest }) => digest === vote.digest)
    case 'final':
      return slot.finals[vote.seat]?.digest === vote.digest
    default:
      return vote.kind satisfies never
  }
}

function votesOf(slot: SlotState, seat: number): Vote[] {
  return [slot.first[seat], ...slot.extras[seat]!, slot.finals[seat]].filter((vote) => vote !== undefined)
}

/** Reports a seat that broke the rules, once in an epoch, to everyone. */
export function convict(state: EngineState, evidence: Evidence, seat: number): void {
  if (state.convicted.has(seat)) return
  state.convicted.add(seat)
  emitEffect(state, { type: 'emit', event: { type: 'evidence', evidence } })
  send(state, state.others, { type: 'evidence', evidence })
}

/** A claim about a far future slot is no more activity than one about this slot. */
export function noteActive(state: EngineState, seat: number, slot: number): void {
  state.lastActive[seat] = Math.max(state.lastActive[seat]!, Math.min(slot, state.current + SLOTS_AHEAD_MAX))
}
