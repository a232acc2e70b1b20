import { signedBytes } from '../envelope.ts'
import { headerDigest } from '../header.ts'
import { EMPTY_PAYLOAD_ROOT, type Payload, PAYLOAD_BYTES_MAX, PAYLOAD_OPERATIONS_MAX, payloadFacts } from '../payload.ts'
import { dropWant } from './catch-up.ts'
import { applyReady, finalise } from './finalise.ts'
import { PAYLOADS_UNCLAIMED_MAX, PROPOSALS_KEPT_MAX, SLOTS_AHEAD_MAX } from './limits.ts'
import type { PeerId, SignedHeader } from './messages.ts'
import { blockOf, emitEffect, type EngineState, leaderOf, record, slotOf } from './state.ts'
import type { Vote } from '../votes.ts'
import { convict, noteActive } from './tally.ts'

/** Takes a header that its slot's leader signed: in an open slot, near, and either among the first or asked for. */
export function receiveProposal(state: EngineState, from: PeerId, proposal: SignedHeader, asked = false): void {
  const { header, signature } = proposal
  const { epoch, init, final, current } = state
  if (header.epoch !== epoch.number || header.slot <= final.slot) return
  const digest = headerDigest(header)
  const wanted = asked || state.wants.has(digest)
  if (state.blocks.has(digest) || (header.slot > current + SLOTS_AHEAD_MAX && !wanted)) return
  const slot = state.slots.get(header.slot)
  // Votes of n seats can ask for n blocks at most.
  const kept = PROPOSALS_KEPT_MAX + (wanted ? epoch.committee.size.n : 0)
  if (slot !== undefined && slot.blocks.length >= kept) return
  const leader = leaderOf(state, header.slot)
  const member = epoch.committee.members[leader]!
  const signed = signedBytes(init.ledger, 'proposal', header.epoch, header.slot, digest)
  if (!init.verifier.verify(member.publicKey, signed, signature)) return
  if (member.peer === from) noteActive(state, leader, header.slot)
  admitBlock(state, proposal)
}

/** Takes a header that is known to be its leader's. */
export function admitBlock(state: EngineState, proposal: SignedHeader): void {
  const block = blockOf(proposal)
  const slot = slotOf(state, block.header.slot)
  const [other] = slot.blocks
  const first = other === undefined ? undefined : state.blocks.get(other)
  if (first !== undefined) {
    const seat = leaderOf(state, slot.slot)
    const second = { header: block.header, signature: block.signature }
    convict(state, { type: 'proposals', seat, first: { header: first.header, signature: first.signature }, second }, seat)
  }
  // Whatever this seat votes for, and whatever becomes final, is known again after a crash.
  record(state, { type: 'block', proposal })
  slot.blocks.push(block.digest)
  state.blocks.set(block.digest, block)
  state.changed = true
  state.waiting.add(slot.slot)
  dropWant(state, block.digest)
  const early = state.payloads.get(block.header.payloadRoot)
  if (early?.persisted === false) claimPayload(state, early.payload)
  finalise(state)
}

/** Takes operations, if a header names them; a few are kept that run ahead of theirs. */
export function receivePayload(state: EngineState, payload: Payload): void {
  if (payload.length === 0 || payload.length > PAYLOAD_OPERATIONS_MAX) return
  const { root, bytesCount } = payloadFacts(payload)
  if (bytesCount > PAYLOAD_BYTES_MAX || state.payloads.has(root)) return
  if (state.wants.has(root) || isNamed(state, root)) return claimPayload(state, payload)
  state.payloads.set(root, { payload, persisted: false, verdict: 'pending' })
  state.unclaimed.push(root)
  if (state.unclaimed.length > PAYLOADS_UNCLAIMED_MAX) state.payloads.delete(state.unclaimed.shift()!)
}

/** Whether a header in an open slot names these operations. */
function isNamed(state: EngineState, root: string): boolean {
  for (let slot = state.final.slot + 1; slot <= state.current + SLOTS_AHEAD_MAX; slot++) {
    for (const digest of state.slots.get(slot)?.blocks ?? []) if (state.blocks.get(digest)?.header.payloadRoot === root) return true
  }
  return false
}

/** P2: hands operations to the log at once, and has them checked meanwhile. */
export function claimPayload(state: EngineState, payload: Payload): void {
  const { root } = payloadFacts(payload)
  if (root === EMPTY_PAYLOAD_ROOT) return
  dropWant(state, root)
  const known = state.payloads.get(root)
  if (known?.persisted === true) return
  state.unclaimed = state.unclaimed.filter((other) => other !== root)
  record(state, { type: 'payload', payload })
  state.payloads.set(root, { payload, persisted: true, verdict: known?.verdict ?? 'pending' })
  if (known?.verdict !== 'valid') emitEffect(state, { type: 'validate', root, payload })
  state.changed = true
  releaseOrphans(state, root)
  applyReady(state)
}

/** P2 after a crash: votes whose operations are back may be said again, once these are durable. */
function releaseOrphans(state: EngineState, root: string): void {
  const back = (vote: Vote): boolean => state.blocks.get(vote.digest)?.header.payloadRoot === root
  state.castNow.push(...state.orphaned.filter(back))
  state.orphaned = state.orphaned.filter((vote) => !back(vote))
}

export function noteValidated(state: EngineState, root: string, valid: boolean): void {
  const held = state.payloads.get(root)
  if (held === undefined) return
  held.verdict = valid ? 'valid' : 'invalid'
  state.changed = true
}
