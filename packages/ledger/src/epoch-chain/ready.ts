import type { Digest } from '../digest.ts'
import { type LedgerId, signedBytes } from '../envelope.ts'
import type { Signer } from '../signing.ts'

/**
 * What is signed by whoever is ready for `nextCommittee`: by a key that joins, that it has the history and can vote; by a seat, that it knows
 * the committee and that all who join are ready.
 *
 * It is said in the epoch that ends, as part of what decides its end, and by keys that are erased with it: so it names that epoch, and is worth
 * nothing in the next. It is said before the end block is proposed, so it names no slot.
 */
export function readyBytes(ledger: LedgerId, endingEpoch: number, nextCommittee: Digest): Uint8Array {
  return signedBytes(ledger, 'ready', endingEpoch, 0, nextCommittee)
}

export function signReady(ledger: LedgerId, signer: Signer, endingEpoch: number, nextCommittee: Digest): Uint8Array {
  return signer.sign(readyBytes(ledger, endingEpoch, nextCommittee))
}
