import { ByteReader, ByteWriter } from './bytes.ts'
import { type Committee, holdsPayloads, SEATS_MAX } from './committee.ts'
import type { Digest } from './digest.ts'
import { type LedgerId, signedBytes } from './envelope.ts'
import { LedgerError } from './errors.ts'
import { SIGNATURE_BYTES, type Verifier } from './signing.ts'
import { SKIP, type VoteKind } from './votes.ts'

/** `notar` Q of FV∪XV · `skip` Q of FV∪XV for {@link SKIP} · `fast` F of FV · `final` Q of FN. */
export type CertificateKind = (typeof CERTIFICATE_KINDS)[number]
export const CERTIFICATE_KINDS = ['notar', 'skip', 'fast', 'final'] as const

export interface Certificate {
  readonly kind: CertificateKind
  readonly epoch: number
  readonly slot: number
  readonly digest: Digest
  /** Ascending by seat, each seat once. */
  readonly signers: readonly CertificateSigner[]
}

export interface CertificateSigner {
  readonly seat: number
  /** Which of its votes counts here. */
  readonly vote: VoteKind
  readonly signature: Uint8Array
}

/** Which votes count for a certificate of `kind`. */
export function countsFor(kind: CertificateKind, vote: VoteKind): boolean {
  switch (kind) {
    case 'notar':
    case 'skip':
      return vote === 'first' || vote === 'extra'
    case 'fast':
      return vote === 'first'
    case 'final':
      return vote === 'final'
    default:
      return kind satisfies never
  }
}

/** Signers that `kind` needs. */
export function signersNeeded(committee: Committee, kind: CertificateKind): number {
  return kind === 'fast' ? committee.thresholds.fast : committee.thresholds.quorum
}

/**
 * Checks that `certificate` proves what it says, under the committee of its epoch. The caller has chosen the committee by the epoch.
 *
 * @throws {LedgerError} `BAD_CERTIFICATE` for too few signers or holders, a seat twice, a vote of the wrong kind, a bad signature
 */
export function verifyCertificate(ledger: LedgerId, committee: Committee, verifier: Verifier, certificate: Certificate): void {
  const { kind, epoch, slot, digest, signers } = certificate
  if ((kind === 'skip') !== (digest === SKIP)) throw bad(certificate, 'its kind is not that of its digest')
  const wanted = signersNeeded(committee, kind)
  if (signers.length < wanted) throw bad(certificate, `${signers.length} signers, ${wanted} are needed`)
  let last = -1
  let holders = 0
  for (const { seat, vote } of signers) {
    if (seat <= last) throw bad(certificate, 'signers are not ascending')
    last = seat
    const member = committee.members[seat]
    if (member === undefined) throw bad(certificate, `there is no seat ${seat}`)
    if (!countsFor(kind, vote)) throw bad(certificate, `a ${vote} vote`)
    if (holdsPayloads(member.role)) holders++
  }
  if (kind !== 'skip' && holders < committee.thresholds.holders) throw bad(certificate, `${holders} payload holders`)
  for (const { seat, vote, signature } of signers) {
    const { publicKey } = committee.members[seat]!
    if (!verifier.verify(publicKey, signedBytes(ledger, vote, epoch, slot, digest), signature))
      throw bad(certificate, `the signature of seat ${seat} is not its own`)
  }
}

/** kind u8 | epoch u64 | slot u64 | digest 32 | seats u8 | signers bitmap | extras bitmap | signatures, ascending by seat. */
export function encodeCertificate({ kind, epoch, slot, digest, signers }: Certificate): Uint8Array {
  const seats = (signers.at(-1)?.seat ?? 0) + 1
  const bitmapBytes = Math.ceil(seats / 8)
  const signed = new Uint8Array(bitmapBytes)
  const extras = new Uint8Array(bitmapBytes)
  for (const { seat, vote } of signers) {
    signed[seat >> 3]! |= 1 << (seat & 7)
    if (vote === 'extra') extras[seat >> 3]! |= 1 << (seat & 7)
  }
  const writer = new ByteWriter(50 + 2 * bitmapBytes + SIGNATURE_BYTES * signers.length)
    .u8(CERTIFICATE_KINDS.indexOf(kind))
    .u64(epoch)
    .u64(slot)
    .digest(digest)
    .u8(seats)
    .bytes(signed)
    .bytes(extras)
  for (const { signature } of signers) writer.bytes(signature)
  return writer.finish()
}

/**
 * Reads a certificate of a peer: its form, not its truth, for which see {@link verifyCertificate}.
 *
 * @throws {LedgerError} `MALFORMED`, `TOO_LARGE` for bytes that {@link encodeCertificate} would write differently
 */
export function decodeCertificate(bytes: Uint8Array): Certificate {
  const reader = new ByteReader(bytes, 'certificate')
  const kind = CERTIFICATE_KINDS[reader.u8()]
  if (kind === undefined) throw reader.fault('an unknown kind')
  const epoch = reader.u64()
  const slot = reader.u64()
  const digest = reader.digest()
  const seats = reader.u8()
  if (seats < 1) throw reader.fault('no seats')
  if (seats > SEATS_MAX) throw new LedgerError({ code: 'TOO_LARGE', what: 'seats of a certificate', value: seats, max: SEATS_MAX })
  const signed = reader.bytes(Math.ceil(seats / 8))
  const extras = reader.bytes(Math.ceil(seats / 8))
  const has = (bitmap: Uint8Array, seat: number): boolean => ((bitmap[seat >> 3] ?? 0) & (1 << (seat & 7))) !== 0
  const signers: CertificateSigner[] = []
  for (let seat = 0; seat < signed.byteLength * 8; seat++) {
    if (has(extras, seat) && !(has(signed, seat) && countsFor(kind, 'extra'))) throw reader.fault('an extra vote that does not count')
    if (!has(signed, seat)) continue
    const vote = kind === 'final' ? 'final' : has(extras, seat) ? 'extra' : 'first'
    signers.push({ seat, vote, signature: reader.bytes(SIGNATURE_BYTES) })
  }
  reader.end()
  // One encoding for one certificate: the bitmap is as long as its last signer needs.
  if (signers.at(-1)?.seat !== seats - 1) throw reader.fault('its last seat did not sign')
  return { kind, epoch, slot, digest, signers }
}

function bad({ kind, slot }: Certificate, reason: string): LedgerError {
  return new LedgerError({ code: 'BAD_CERTIFICATE', kind, slot, reason })
}
