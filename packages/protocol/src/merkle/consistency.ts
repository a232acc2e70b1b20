import { checkHash, checkRoot, malformedProof } from './proof.ts'
import { half, leftSize, nodeHash, rangeRoot, type Leaves } from './tree.ts'

export interface ConsistencyClaim {
  readonly oldSize: number
  readonly oldRoot: Uint8Array
  readonly newSize: number
  readonly newRoot: Uint8Array
  /** 32 bytes each. */
  readonly proof: readonly Uint8Array[]
}

/** The proof that the tree over the first `oldSize` ≥ 1 leaves is a prefix of the tree over all `leaves`. @see RFC 9162 §2.1.4.1 */
export function consistencyProof(leaves: Leaves, oldSize: number): Uint8Array[] {
  if (!Number.isSafeInteger(oldSize) || oldSize < 1 || oldSize > leaves.length)
    throw new RangeError(`${oldSize} of ${leaves.length} leaves`)
  const proof: Uint8Array[] = []
  let start = 0
  let end = leaves.length
  while (end !== oldSize) {
    const middle = start + leftSize(end - start)
    if (oldSize <= middle) {
      proof.push(rangeRoot(leaves, middle, end))
      end = middle
    } else {
      proof.push(rangeRoot(leaves, start, middle))
      start = middle
    }
  }
  // From leaf 0 on it is the old tree itself, whose root the verifier has.
  if (start !== 0) proof.push(rangeRoot(leaves, start, end))
  return proof.reverse()
}

/**
 * Verifies that the first `oldSize` leaves under `newRoot` are the leaves under `oldRoot`, in order.
 * Costs O(log newSize) hashes. All of `claim` may come from a peer; it proves something as far as the sizes and roots are trusted.
 *
 * @throws {ProtocolError} `MALFORMED` if `proof` has not the length that the sizes imply, or for sizes that are not 1 ≤ old ≤ new
 *   (every tree extends the empty one, so a proof of that is worth nothing); `MISMATCH` if either root differs
 * @see RFC 9162 §2.1.4.2
 */
export function verifyConsistency(claim: ConsistencyClaim): void {
  const { oldSize, oldRoot, newSize, newRoot, proof } = claim
  checkHash(oldRoot)
  checkHash(newRoot)
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(newSize) || oldSize < 1 || oldSize > newSize) {
    throw malformedProof(`from ${oldSize} to ${newSize} leaves`)
  }
  if (oldSize === newSize) {
    if (proof.length > 0) throw malformedProof('too long')
    checkRoot('new root', newRoot, oldRoot)
    return
  }
  // The largest perfect subtree that ends with the old tree's last leaf, its position in its level, and that of the level's last node.
  let position = oldSize - 1
  let last = newSize - 1
  while (position % 2 === 1) {
    position = half(position)
    last = half(last)
  }
  // Where that subtree is the whole old tree the proof leaves it out.
  const [seed, ...rest] = position === 0 ? [oldRoot, ...proof] : proof
  if (seed === undefined) throw malformedProof('too short')
  checkHash(seed)
  let oldHash = seed
  let newHash = seed
  for (const sibling of rest) {
    checkHash(sibling)
    if (last === 0) throw malformedProof('too long')
    if (position % 2 === 1 || position === last) {
      oldHash = nodeHash(sibling, oldHash)
      newHash = nodeHash(sibling, newHash)
      while (position % 2 === 0 && position !== 0) {
        position = half(position)
        last = half(last)
      }
    } else {
      newHash = nodeHash(newHash, sibling)
    }
    position = half(position)
    last = half(last)
  }
  if (last !== 0) throw malformedProof('too short')
  checkRoot('old root', oldHash, oldRoot)
  checkRoot('new root', newHash, newRoot)
}
