import type { Committee } from './committee.ts'
import { type Digest, ZERO_DIGEST } from './digest.ts'
import { type LedgerId, signedBytes } from './envelope.ts'
import type { Signer, Verifier } from './signing.ts'

/** `first` FV: one per seat and slot · `extra` XV: allowed by evidence, never counts for the fast path · `final` FN: closes the slot. */
export type VoteKind = 'first' | 'extra' | 'final'

/** What a vote to skip a slot is for. No block has this digest. */
export const SKIP: Digest = ZERO_DIGEST

export interface Vote {
  readonly kind: VoteKind
  readonly epoch: number
  readonly slot: number
  /** The block, or {@link SKIP}. */
  readonly digest: Digest
  readonly seat: number
  readonly signature: Uint8Array
}

export function signVote(ledger: LedgerId, signer: Signer, vote: Omit<Vote, 'signature'>): Vote {
  return { ...vote, signature: signer.sign(signedBytes(ledger, vote.kind, vote.epoch, vote.slot, vote.digest)) }
}

/** Whether `vote` is well-formed and its seat in `committee` signed it. */
export function verifyVote(ledger: LedgerId, committee: Committee, verifier: Verifier, vote: Vote): boolean {
  const member = committee.members[vote.seat]
  if (member === undefined || (vote.kind === 'final' && vote.digest === SKIP)) return false
  return verifier.verify(member.publicKey, signedBytes(ledger, vote.kind, vote.epoch, vote.slot, vote.digest), vote.signature)
}
