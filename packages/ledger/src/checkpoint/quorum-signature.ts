import type { ByteReader, ByteWriter } from '../bytes.ts'
import { type Committee, holdsPayloads, SEATS_MAX } from '../committee.ts'
import type { Digest } from '../digest.ts'
import { type LedgerId, signedBytes, type SignedKind } from '../envelope.ts'
import { LedgerError } from '../errors.ts'
import { SIGNATURE_BYTES, type Signer, type Verifier } from '../signing.ts'

/** Signatures of seats under one statement, ascending by seat. */
export type QuorumSignature = readonly SeatSignature[]

export interface SeatSignature {
  readonly seat: number
  readonly signature: Uint8Array
}

/** What a committee states with one voice: of which kind, when, and its digest. `what` names it in errors. */
export interface Statement {
  readonly kind: Extract<SignedKind, 'checkpoint' | 'epoch'>
  readonly epoch: number
  readonly slot: number
  readonly digest: Digest
  readonly what: string
}

export function signStatement(ledger: LedgerId, signer: Signer, { kind, epoch, slot, digest }: Omit<Statement, 'what'>): Uint8Array {
  return signer.sign(signedBytes(ledger, kind, epoch, slot, digest))
}

/** Whether the owner of `publicKey` signed `statement`. */
export function isStatementSigned(
  ledger: LedgerId,
  verifier: Verifier,
  publicKey: Uint8Array,
  { kind, epoch, slot, digest }: Omit<Statement, 'what'>,
  signature: Uint8Array,
): boolean {
  return verifier.verify(publicKey, signedBytes(ledger, kind, epoch, slot, digest), signature)
}

/**
 * Verifies that a quorum of `committee` signed `statement`, and enough of those that hold what it is about. The caller has chosen the
 * committee by the statement's epoch. All else may come from anyone.
 *
 * @throws {LedgerError} `MALFORMED` for seats that do not ascend or do not exist, `TOO_FEW_SIGNERS`, `TOO_FEW_HOLDERS`, `FORGED`
 */
export function verifyStatement(
  ledger: LedgerId,
  committee: Committee,
  verifier: Verifier,
  statement: Statement,
  signatures: QuorumSignature,
): void {
  const { kind, epoch, slot, digest, what } = statement
  const { quorum, holders } = committee.thresholds
  let last = -1
  let found = 0
  for (const { seat } of signatures) {
    const member = committee.members[seat]
    if (member === undefined || seat <= last) throw new LedgerError({ code: 'MALFORMED', what, reason: `seat ${seat} after seat ${last}` })
    last = seat
    if (holdsPayloads(member.role)) found++
  }
  if (signatures.length < quorum) throw new LedgerError({ code: 'TOO_FEW_SIGNERS', what, found: signatures.length, wanted: quorum })
  if (found < holders) throw new LedgerError({ code: 'TOO_FEW_HOLDERS', what, found, wanted: holders })
  const bytes = signedBytes(ledger, kind, epoch, slot, digest)
  // Every one, not just a quorum of them: what is passed on is all believed or not at all.
  for (const { seat, signature } of signatures) {
    const member = committee.members[seat]
    if (member === undefined || !verifier.verify(member.publicKey, bytes, signature)) throw new LedgerError({ code: 'FORGED', what, seat })
  }
}

/** count u8, then for each: seat u8 | signature 64. */
export function writeQuorumSignature(writer: ByteWriter, signatures: QuorumSignature): void {
  writer.u8(signatures.length)
  for (const { seat, signature } of signatures) writer.u8(seat).bytes(signature)
}

export function readQuorumSignature(reader: ByteReader): QuorumSignature {
  const count = reader.u8()
  if (count > SEATS_MAX) throw reader.fault(`${count} signatures`)
  return Array.from({ length: count }, () => ({ seat: reader.u8(), signature: reader.bytes(SIGNATURE_BYTES) }))
}
