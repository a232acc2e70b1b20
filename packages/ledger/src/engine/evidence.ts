import type { Certificate } from '../certificate.ts'
import type { Committee } from '../committee.ts'
import { type LedgerId, signedBytes } from '../envelope.ts'
import { headerDigest } from '../header.ts'
import type { Verifier } from '../signing.ts'
import { verifyVote, type Vote } from '../votes.ts'
import type { SignedHeader } from './messages.ts'

/** Two things that one honest seat would never both have signed, or two certificates that should not both exist. */
export type Evidence =
  | { readonly type: 'votes'; readonly first: Vote; readonly second: Vote }
  | { readonly type: 'proposals'; readonly seat: number; readonly first: SignedHeader; readonly second: SignedHeader }
  | { readonly type: 'certificates'; readonly first: Certificate; readonly second: Certificate }

/** Whether one seat that keeps the rules could not have cast both votes. */
export function votesConflict(a: Vote, b: Vote): boolean {
  if (a.seat !== b.seat || a.epoch !== b.epoch || a.slot !== b.slot) return false
  if (a.kind === b.kind) return a.kind !== 'extra' && a.digest !== b.digest
  const final = a.kind === 'final' ? a : b.kind === 'final' ? b : undefined
  if (final === undefined) return false
  const other = final === a ? b : a
  // R5: only who first-voted the block and cast no extra vote may make it final.
  return other.kind === 'extra' || other.digest !== final.digest
}

/** Whether two certificates of one slot cannot both be there unless more seats misbehaved than the committee bears. */
export function certificatesConflict(a: Certificate, b: Certificate): boolean {
  if (a.epoch !== b.epoch || a.slot !== b.slot || a.digest === b.digest) return false
  return [a, b].some(({ kind }) => kind === 'fast' || kind === 'final')
}

/** Whether `evidence` convicts its seat, checked from scratch. Certificates are their own, larger matter: they convict no single seat. */
export function verifyEvidence(ledger: LedgerId, committee: Committee, verifier: Verifier, evidence: Evidence): boolean {
  switch (evidence.type) {
    case 'votes': {
      const { first, second } = evidence
      return votesConflict(first, second) && [first, second].every((vote) => verifyVote(ledger, committee, verifier, vote))
    }
    case 'proposals': {
      const { seat, first, second } = evidence
      const member = committee.members[seat]
      if (member === undefined || headerDigest(first.header) === headerDigest(second.header)) return false
      if (first.header.epoch !== second.header.epoch || first.header.slot !== second.header.slot) return false
      return [first, second].every(({ header, signature }) =>
        verifier.verify(member.publicKey, signedBytes(ledger, 'proposal', header.epoch, header.slot, headerDigest(header)), signature),
      )
    }
    case 'certificates':
      return false
    default:
      return evidence satisfies never
  }
}
