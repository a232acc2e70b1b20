import { ProtocolError, verifyConsistency } from '@cairn/protocol'
import { type Checkpoint, checkpointDigest, type CheckpointHeader, verifyCheckpoint } from '../checkpoint/checkpoint.ts'
import type { Committee } from '../committee.ts'
import { type Digest, digestBytes } from '../digest.ts'
import type { LedgerId } from '../envelope.ts'
import { type EpochRecord, verifyEpochRecord } from '../epoch-chain/epoch-record.ts'
import { LedgerError } from '../errors.ts'
import type { Verifier } from '../signing.ts'

/** What someone who joins is given by hand: one page of paper that all the rest follows from. */
export interface TrustRoot extends LedgerId {
  readonly epoch: number
  readonly committee: Digest
  readonly checkpoint: Digest
  /**
   * Milliseconds since 1970 until which the committee's keys can be relied on. Later they may have been sold: whoever holds enough old keys
   * can sign another history (a long-range attack), and no arithmetic tells the two apart.
   */
  readonly notAfter: number
}

/** What anyone may hand to a joiner: from the trusted checkpoint to the newest one. */
export interface LightProof {
  /** The committee of the trust root's epoch. */
  readonly committee: Committee
  /** The trusted checkpoint itself, of which the trust root has the digest. */
  readonly trusted: CheckpointHeader
  /** One for each epoch that ended since, in order. */
  readonly epochs: readonly EpochRecord[]
  readonly newest: Checkpoint
  /** That the newest history continues the trusted one: RFC 9162 §2.1.4. */
  readonly consistency: readonly Uint8Array[]
}

/** What is known then. */
export interface LightState {
  readonly checkpoint: CheckpointHeader
  /** Of the checkpoint's epoch. */
  readonly committee: Committee
}

/**
 * Walks from the trust root to the newest checkpoint, believing nothing on the way that was not signed by the committee before.
 * Costs Q signature checks for each epoch, and one for each joiner.
 *
 * `now` is in milliseconds since 1970.
 *
 * @throws {LedgerError} `TRUST_EXPIRED`, `WRONG_COMMITTEE`, `WRONG_TRUSTED_CHECKPOINT`, `WRONG_EPOCH`, `HISTORY_REWRITTEN`, and as
 *   `verifyEpochRecord` and `verifyCheckpoint`
 */
export function followChain(root: TrustRoot, now: number, verifier: Verifier, proof: LightProof): LightState {
  if (now > root.notAfter) throw new LedgerError({ code: 'TRUST_EXPIRED', notAfter: root.notAfter, now })
  const { trusted, newest } = proof
  if (proof.committee.hash !== root.committee) {
    throw new LedgerError({ code: 'WRONG_COMMITTEE', what: 'the trust root', found: proof.committee.hash, wanted: root.committee })
  }
  const digest = checkpointDigest(trusted)
  if (digest !== root.checkpoint) throw new LedgerError({ code: 'WRONG_TRUSTED_CHECKPOINT', found: digest, wanted: root.checkpoint })

  let { committee } = proof
  let { epoch } = root
  let floor: Pick<EpochRecord, 'endSlot' | 'endHeight'> = { endSlot: trusted.slot, endHeight: trusted.height }
  for (const record of proof.epochs) {
    committee = verifyEpochRecord(root, epoch, committee, verifier, record)
    if (record.endSlot < floor.endSlot || record.endHeight < floor.endHeight) {
      throw new LedgerError({ code: 'HISTORY_REWRITTEN', reason: `epoch ${epoch} ends before it begins` })
    }
    floor = record
    epoch += 1
  }
  if (newest.header.epoch !== epoch) {
    throw new LedgerError({ code: 'WRONG_EPOCH', what: 'the newest checkpoint', found: newest.header.epoch, wanted: epoch })
  }
  verifyCheckpoint(root, committee, verifier, newest)
  verifyContinues(trusted, floor, proof)
  return { checkpoint: newest.header, committee }
}

function verifyContinues(
  trusted: CheckpointHeader,
  floor: { readonly endSlot: number; readonly endHeight: number },
  proof: LightProof,
): void {
  const { header } = proof.newest
  if (header.height < floor.endHeight || header.slot < floor.endSlot) {
    throw new LedgerError({ code: 'HISTORY_REWRITTEN', reason: `it is at height ${header.height}, height ${floor.endHeight} is known` })
  }
  // Every history continues the empty one, and there is no proof of that to check.
  if (trusted.historySize === 0) return
  try {
    verifyConsistency({
      oldSize: trusted.historySize,
      oldRoot: digestBytes(trusted.historyRoot),
      newSize: header.historySize,
      newRoot: digestBytes(header.historyRoot),
      proof: proof.consistency,
    })
  } catch (error) {
    if (error instanceof ProtocolError) throw new LedgerError({ code: 'HISTORY_REWRITTEN', reason: error.message }, { cause: error })
    throw error
  }
}
