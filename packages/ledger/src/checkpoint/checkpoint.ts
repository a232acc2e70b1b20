import { ByteReader, ByteWriter } from '../bytes.ts'
import type { Committee } from '../committee.ts'
import { type Digest, taggedDigest } from '../digest.ts'
import type { LedgerId } from '../envelope.ts'
import { LedgerError } from '../errors.ts'
import type { Verifier } from '../signing.ts'
import { type QuorumSignature, readQuorumSignature, type Statement, verifyStatement, writeQuorumSignature } from './quorum-signature.ts'

/** What a ledger was at a height: enough to prove any of its blocks, entries and messages, and nothing but digests. */
export interface CheckpointHeader extends LedgerId {
  readonly epoch: number
  readonly slot: number
  /** Height of the block that it is of. */
  readonly height: number
  /** Digest of the block before. */
  readonly parent: Digest
  readonly payloadRoot: Digest
  /** Root of the state after the block at `stateHeight`, which is at most `height`: execution is attested late. */
  readonly stateRoot: Digest
  readonly stateHeight: number
  /** Root of the RFC 6962 tree over the digests of blocks 1 to `historySize`. */
  readonly historyRoot: Digest
  readonly historySize: number
  readonly outboxRoot: Digest
  readonly inboxRoot: Digest
  readonly policyRoot: Digest
  readonly committee: Digest
  /** The committee of the next epoch once this one is ending, else `ZERO_DIGEST`. */
  readonly nextCommittee: Digest
}

/** A checkpoint and who stands for it. */
export interface Checkpoint {
  readonly header: CheckpointHeader
  readonly signatures: QuorumSignature
}

export const CHECKPOINT_HEADER_BYTES = 32 + 6 * 8 + 9 * 32

/** What a checkpoint is known by. */
export function checkpointDigest(header: CheckpointHeader): Digest {
  return taggedDigest('cairn-ledger-checkpoint-v1', encodeCheckpointHeader(header))
}

/** The statement that seats sign for a checkpoint. */
export function checkpointStatement(header: CheckpointHeader): Statement {
  const { epoch, slot, height } = header
  return { kind: 'checkpoint', epoch, slot, digest: checkpointDigest(header), what: `checkpoint at height ${height}` }
}

/**
 * Verifies that `checkpoint` is of this ledger and of `committee`, which is that of its epoch, and that the committee stands for it.
 *
 * @throws {LedgerError} `WRONG_CHAIN`, `WRONG_COMMITTEE`, and as {@link verifyStatement}
 */
export function verifyCheckpoint(ledger: LedgerId, committee: Committee, verifier: Verifier, { header, signatures }: Checkpoint): void {
  const statement = checkpointStatement(header)
  const { what } = statement
  if (header.networkId !== ledger.networkId || header.chainId !== ledger.chainId) throw new LedgerError({ code: 'WRONG_CHAIN', what })
  if (header.committee !== committee.hash) {
    throw new LedgerError({ code: 'WRONG_COMMITTEE', what, found: header.committee, wanted: committee.hash })
  }
  verifyStatement(ledger, committee, verifier, statement, signatures)
}

/** Fields in the order of {@link CheckpointHeader}, numbers u64, big-endian: {@link CHECKPOINT_HEADER_BYTES}. */
export function encodeCheckpointHeader(header: CheckpointHeader): Uint8Array {
  const writer = new ByteWriter(CHECKPOINT_HEADER_BYTES)
  writeCheckpointHeader(writer, header)
  return writer.finish()
}

export function writeCheckpointHeader(writer: ByteWriter, header: CheckpointHeader): void {
  writer
    .digest(header.networkId)
    .u64(header.chainId)
    .u64(header.epoch)
    .u64(header.slot)
    .u64(header.height)
    .digest(header.parent)
    .digest(header.payloadRoot)
    .digest(header.stateRoot)
    .u64(header.stateHeight)
    .digest(header.historyRoot)
    .u64(header.historySize)
    .digest(header.outboxRoot)
    .digest(header.inboxRoot)
    .digest(header.policyRoot)
    .digest(header.committee)
    .digest(header.nextCommittee)
}

export function readCheckpointHeader(reader: ByteReader): CheckpointHeader {
  const header: CheckpointHeader = {
    networkId: reader.digest(),
    chainId: reader.u64(),
    epoch: reader.u64(),
    slot: reader.u64(),
    height: reader.u64(),
    parent: reader.digest(),
    payloadRoot: reader.digest(),
    stateRoot: reader.digest(),
    stateHeight: reader.u64(),
    historyRoot: reader.digest(),
    historySize: reader.u64(),
    outboxRoot: reader.digest(),
    inboxRoot: reader.digest(),
    policyRoot: reader.digest(),
    committee: reader.digest(),
    nextCommittee: reader.digest(),
  }
  if (header.stateHeight > header.height) throw reader.fault(`state of height ${header.stateHeight} at height ${header.height}`)
  return header
}

/** header | signatures. */
export function encodeCheckpoint({ header, signatures }: Checkpoint): Uint8Array {
  const writer = new ByteWriter(CHECKPOINT_HEADER_BYTES + 1 + 65 * signatures.length)
  writeCheckpointHeader(writer, header)
  writeQuorumSignature(writer, signatures)
  return writer.finish()
}

/** @throws {LedgerError} `MALFORMED` for bytes that {@link encodeCheckpoint} would not write */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const reader = new ByteReader(bytes, 'checkpoint')
  const checkpoint = { header: readCheckpointHeader(reader), signatures: readQuorumSignature(reader) }
  reader.end()
  return checkpoint
}
