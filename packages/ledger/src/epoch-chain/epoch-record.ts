import { ByteReader, ByteWriter } from '../bytes.ts'
import {
  readQuorumSignature,
  type QuorumSignature,
  type Statement,
  verifyStatement,
  writeQuorumSignature,
} from '../checkpoint/quorum-signature.ts'
import type { Committee } from '../committee.ts'
import { type Digest, taggedDigest } from '../digest.ts'
import type { LedgerId } from '../envelope.ts'
import { LedgerError } from '../errors.ts'
import type { Verifier } from '../signing.ts'
import { applyDelta, type CommitteeDelta, readDelta, writeDelta } from './committee-delta.ts'
import { readyBytes } from './ready.ts'

/** The end of an epoch: where it ended, and whom its committee handed over to. */
export interface EpochRecord {
  /** The epoch that ended. */
  readonly epoch: number
  /** Slot, height and digest of its end block. */
  readonly endSlot: number
  readonly endHeight: number
  readonly endBlock: Digest
  /** The committee that ended, and the next one. */
  readonly committee: Digest
  readonly nextCommittee: Digest
  /** How the next committee comes from this one; what is signed is its hash. */
  readonly delta: CommitteeDelta
  /** That each seat whose key is new has the state and the key: by seat of the next committee. */
  readonly ready: QuorumSignature
  /** By a quorum of the committee that ended. */
  readonly signatures: QuorumSignature
}

/** What the old committee signs. */
export function epochStatement(record: Omit<EpochRecord, 'delta' | 'ready' | 'signatures'>): Statement {
  const { epoch, endSlot, endHeight, endBlock, committee, nextCommittee } = record
  const bytes = new ByteWriter(8 * 3 + 32 * 3)
    .u64(epoch)
    .u64(endSlot)
    .u64(endHeight)
    .digest(endBlock)
    .digest(committee)
    .digest(nextCommittee)
    .finish()
  return { kind: 'epoch', epoch, slot: endSlot, digest: taggedDigest('cairn-ledger-epoch-v1', bytes), what: `record of epoch ${epoch}` }
}

/**
 * Verifies one step of the chain of epochs, and returns the committee of the next one.
 * `committee` is that of `epoch`, already trusted; `record` may come from anyone.
 *
 * @throws {LedgerError} `WRONG_EPOCH`, `WRONG_COMMITTEE`, `WRONG_DELTA`, `NOT_READY`, and as `verifyStatement`; what is of another chain has
 *   signatures that are `FORGED` here
 */
export function verifyEpochRecord(
  ledger: LedgerId,
  epoch: number,
  committee: Committee,
  verifier: Verifier,
  record: EpochRecord,
): Committee {
  const statement = epochStatement(record)
  const { what } = statement
  if (record.epoch !== epoch) throw new LedgerError({ code: 'WRONG_EPOCH', what, found: record.epoch, wanted: epoch })
  if (record.committee !== committee.hash) {
    throw new LedgerError({ code: 'WRONG_COMMITTEE', what, found: record.committee, wanted: committee.hash })
  }
  verifyStatement(ledger, committee, verifier, statement, record.signatures)
  const next = applyDelta(epoch, committee, record.delta)
  if (next.hash !== record.nextCommittee) {
    throw new LedgerError({ code: 'WRONG_DELTA', epoch, reason: `it makes committee ${next.hash}, signed was ${record.nextCommittee}` })
  }
  verifyReady(ledger, committee, next, verifier, record)
  return next
}

/** Exactly the joiners, in order: one form for one record. */
function verifyReady(ledger: LedgerId, committee: Committee, next: Committee, verifier: Verifier, { epoch, ready }: EpochRecord): void {
  const known = new Set(committee.members.map(({ publicKey }) => hexOf(publicKey)))
  const joiners = [...next.members.entries()].filter(([, { publicKey }]) => !known.has(hexOf(publicKey)))
  const bytes = readyBytes(ledger, epoch, next.hash)
  for (const [index, [seat, { publicKey }]] of joiners.entries()) {
    const proof = ready[index]
    if (proof?.seat !== seat || !verifier.verify(publicKey, bytes, proof.signature))
      throw new LedgerError({ code: 'NOT_READY', epoch, seat })
  }
  if (ready.length > joiners.length) throw new LedgerError({ code: 'WRONG_DELTA', epoch, reason: 'more are ready than join' })
}

/** epoch u64 | end slot u64 | end height u64 | end block 32 | committee 32 | next committee 32 | delta | ready | signatures. */
export function writeEpochRecord(writer: ByteWriter, record: EpochRecord): void {
  writer
    .u64(record.epoch)
    .u64(record.endSlot)
    .u64(record.endHeight)
    .digest(record.endBlock)
    .digest(record.committee)
    .digest(record.nextCommittee)
  writeDelta(writer, record.delta)
  writeQuorumSignature(writer, record.ready)
  writeQuorumSignature(writer, record.signatures)
}

export function readEpochRecord(reader: ByteReader): EpochRecord {
  return {
    epoch: reader.u64(),
    endSlot: reader.u64(),
    endHeight: reader.u64(),
    endBlock: reader.digest(),
    committee: reader.digest(),
    nextCommittee: reader.digest(),
    delta: readDelta(reader),
    ready: readQuorumSignature(reader),
    signatures: readQuorumSignature(reader),
  }
}

export function encodeEpochRecord(record: EpochRecord): Uint8Array {
  const writer = new ByteWriter(512)
  writeEpochRecord(writer, record)
  return writer.finish()
}

/** @throws {LedgerError} `MALFORMED` for bytes that {@link encodeEpochRecord} would not write */
export function decodeEpochRecord(bytes: Uint8Array): EpochRecord {
  const reader = new ByteReader(bytes, 'epoch record')
  const record = readEpochRecord(reader)
  reader.end()
  return record
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
