import {
  type Certificate,
  type CertificateKind,
  type CertificateSigner,
  countsFor,
  signersNeeded,
  verifyCertificate,
} from '../certificate.ts'
import { holdsPayloads } from '../committee.ts'
import type { Digest } from '../digest.ts'
import { LedgerError } from '../errors.ts'
import { headerDigest } from '../header.ts'
import { SKIP, type Vote } from '../votes.ts'
import { advanceTo } from './advance.ts'
import { dropWant, slotKey, wantBlock } from './catch-up.ts'
import { certificatesConflict } from './evidence.ts'
import { noteFinal } from './finalise.ts'
import type { SignedHeader } from './messages.ts'
import { certificateOf, emitEffect, type EngineState, FINAL_KINDS, record, type SlotState, slotOf } from './state.ts'

/** Forms every certificate that the votes of a slot for `digest` suffice for. */
export function formCertificates(state: EngineState, slot: SlotState, digest: Digest): void {
  const kinds: readonly CertificateKind[] = digest === SKIP ? ['skip'] : ['notar', 'fast', 'final']
  for (const kind of kinds) {
    // A certificate may make the slot final and so close it.
    if (slot.slot <= state.final.slot) return
    if (slot.certificates.some((known) => known.kind === kind && known.digest === digest)) continue
    const certificate = formCertificate(state, slot, kind, digest)
    if (certificate !== undefined) admitCertificate(state, slot, certificate)
  }
}

function formCertificate(state: EngineState, slot: SlotState, kind: CertificateKind, digest: Digest): Certificate | undefined {
  const { committee, number } = state.epoch
  const signers: CertificateSigner[] = []
  let holders = 0
  for (const [seat, { role }] of committee.members.entries()) {
    const vote = votesOf(slot, seat).find((each) => each.digest === digest && countsFor(kind, each.kind))
    if (vote === undefined) continue
    signers.push({ seat, vote: vote.kind, signature: vote.signature })
    if (holdsPayloads(role)) holders++
  }
  if (signers.length < signersNeeded(committee, kind)) return undefined
  if (kind !== 'skip' && holders < committee.thresholds.holders) return undefined
  return { kind, epoch: number, slot: slot.slot, digest, signers }
}

function votesOf(slot: SlotState, seat: number): Vote[] {
  return [slot.first[seat], ...slot.extras[seat]!, slot.finals[seat]].filter((vote) => vote !== undefined)
}

/** Takes a certificate of a peer, if it is of this epoch, for an open slot, new, and proves what it says. */
export function receiveCertificate(state: EngineState, certificate: Certificate): void {
  const { epoch, final } = state
  if (certificate.epoch !== epoch.number || certificate.slot <= final.slot) return
  if (certificateOf(state, certificate.slot, certificate.digest, [certificate.kind]) !== undefined) return
  if (isTrue(state, certificate)) admitCertificate(state, slotOf(state, certificate.slot), certificate)
}

/** Whether `certificate` is true and of this header, so that the header is needed however far ahead it is. */
export function certifies(state: EngineState, certificate: Certificate, { header }: SignedHeader): boolean {
  return certificate.epoch === state.epoch.number && certificate.digest === headerDigest(header) && isTrue(state, certificate)
}

function isTrue({ epoch, init }: EngineState, certificate: Certificate): boolean {
  try {
    verifyCertificate(init.ledger, epoch.committee, init.verifier, certificate)
    return true
  } catch (error) {
    if (error instanceof LedgerError) return false
    throw error
  }
}

/** Acts on a certificate that is known to be true: R6, R7. */
function admitCertificate(state: EngineState, slot: SlotState, certificate: Certificate): void {
  const conflict = slot.certificates.find((known) => certificatesConflict(known, certificate))
  if (conflict !== undefined) {
    emitEffect(state, {
      type: 'emit',
      event: { type: 'evidence', evidence: { type: 'certificates', first: conflict, second: certificate } },
    })
  }
  slot.certificates.push(certificate)
  record(state, { type: 'certificate', certificate })
  state.changed = true
  state.waiting.add(slot.slot)
  dropWant(state, slotKey(slot.slot))
  if (certificate.digest !== SKIP && !state.blocks.has(certificate.digest)) wantBlock(state, certificate.digest)
  if (slot.slot >= state.current) advanceTo(state, slot.slot + 1)
  if (FINAL_KINDS.includes(certificate.kind)) noteFinal(state, certificate)
}
