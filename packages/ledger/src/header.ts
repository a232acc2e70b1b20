import { ByteReader, ByteWriter } from './bytes.ts'
import { type Digest, taggedDigest } from './digest.ts'

/**
 * What a leader proposes and seats vote for: everything about a block but its operations.
 *
 * Network and chain are not repeated here: the signature over the digest binds them, and so does the chain of parents down to genesis.
 */
export interface BlockHeader {
  readonly epoch: number
  readonly slot: number
  /** Blocks since genesis. */
  readonly height: number
  /** Slot and digest of the parent; at the start of an epoch those of the block that it starts from. */
  readonly parentSlot: number
  readonly parent: Digest
  /** Root and size of the operations. */
  readonly payloadRoot: Digest
  readonly payloadBytes: number
  readonly operationsCount: number
  /** Milliseconds since 1970 by the leader's clock; never before the parent's. */
  readonly time: number
  readonly policyRoot: Digest
  /** A height that the leader has applied, and the state's root there: execution is attested late. */
  readonly stateHeight: number
  readonly stateRoot: Digest
  /** Committee of the next epoch in the block that ends this one and in those after it, else {@link ZERO_DIGEST}. */
  readonly nextCommittee: Digest
}

/** A place in the chain of final blocks. */
export interface ChainPoint {
  readonly digest: Digest
  readonly epoch: number
  readonly slot: number
  readonly height: number
  readonly time: number
  readonly stateHeight: number
  readonly nextCommittee: Digest
}

export const HEADER_BYTES = 8 * 3 + 8 + 32 + 32 + 4 + 4 + 8 + 32 + 8 + 32 + 32

// Headers are immutable, and each is asked for its digest many times.
const digests = new WeakMap<BlockHeader, Digest>()

/** What a block is known by. */
export function headerDigest(header: BlockHeader): Digest {
  const known = digests.get(header)
  if (known !== undefined) return known
  const digest = taggedDigest('cairn-ledger-header-v1', encodeHeader(header))
  digests.set(header, digest)
  return digest
}

export function pointOf(header: BlockHeader): ChainPoint {
  const { epoch, slot, height, time, stateHeight, nextCommittee } = header
  return { digest: headerDigest(header), epoch, slot, height, time, stateHeight, nextCommittee }
}

export function encodeHeader(header: BlockHeader): Uint8Array {
  return new ByteWriter(HEADER_BYTES)
    .u64(header.epoch)
    .u64(header.slot)
    .u64(header.height)
    .u64(header.parentSlot)
    .digest(header.parent)
    .digest(header.payloadRoot)
    .u32(header.payloadBytes)
    .u32(header.operationsCount)
    .u64(header.time)
    .digest(header.policyRoot)
    .u64(header.stateHeight)
    .digest(header.stateRoot)
    .digest(header.nextCommittee)
    .finish()
}

/** @throws {LedgerError} `MALFORMED` unless `bytes` are exactly one header */
export function decodeHeader(bytes: Uint8Array): BlockHeader {
  const reader = new ByteReader(bytes, 'block header')
  const header = readHeader(reader)
  reader.end()
  return header
}

export function readHeader(reader: ByteReader): BlockHeader {
  return {
    epoch: reader.u64(),
    slot: reader.u64(),
    height: reader.u64(),
    parentSlot: reader.u64(),
    parent: reader.digest(),
    payloadRoot: reader.digest(),
    payloadBytes: reader.u32(),
    operationsCount: reader.u32(),
    time: reader.u64(),
    policyRoot: reader.digest(),
    stateHeight: reader.u64(),
    stateRoot: reader.digest(),
    nextCommittee: reader.digest(),
  }
}
