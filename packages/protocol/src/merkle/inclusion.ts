import { checkHash, checkRoot, malformedProof } from './proof.ts'
import { half, leafHash, leftSize, nodeHash, rangeRoot, type Leaves } from './tree.ts'

export interface InclusionClaim {
  readonly leaf: Uint8Array
  /** Position of the leaf, from 0. */
  readonly index: number
  /** Leaves in the whole tree. */
  readonly treeSize: number
  /** 32 bytes each, from the leaf's sibling up. */
  readonly proof: readonly Uint8Array[]
  readonly root: Uint8Array
}

/** The proof that leaf `index` is in the tree of `leaves`. Hashes every other leaf once. @see RFC 9162 §2.1.3.1 */
export function inclusionProof(leaves: Leaves, index: number): Uint8Array[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leaves.length) throw new RangeError(`leaf ${index} of ${leaves.length}`)
  const proof: Uint8Array[] = []
  let start = 0
  let end = leaves.length
  while (end - start > 1) {
    const middle = start + leftSize(end - start)
    if (index < middle) {
      proof.push(rangeRoot(leaves, middle, end))
      end = middle
    } else {
      proof.push(rangeRoot(leaves, start, middle))
      start = middle
    }
  }
  return proof.reverse()
}

/**
 * Verifies that `leaf` is leaf `index` of the tree with `treeSize` leaves and root `root`.
 * Costs O(log treeSize) hashes. All of `claim` may come from a peer; it proves something as far as `root` and `treeSize` are trusted.
 *
 * @throws {ProtocolError} `MALFORMED` if `proof` has not the length that (index, treeSize) imply; `MISMATCH` if the root differs
 * @see RFC 9162 §2.1.3.2
 */
export function verifyInclusion(claim: InclusionClaim): void {
  const { leaf, index, treeSize, proof, root } = claim
  checkHash(root)
  if (!Number.isSafeInteger(treeSize) || !Number.isSafeInteger(index) || index < 0 || index >= treeSize) {
    throw malformedProof(`leaf ${index} of ${treeSize}`)
  }
  // The position of the leaf's ancestor in its level, and that of the level's last node.
  let position = index
  let last = treeSize - 1
  let hash = leafHash(leaf)
  for (const sibling of proof) {
    checkHash(sibling)
    if (last === 0) throw malformedProof('too long')
    if (position % 2 === 1 || position === last) {
      hash = nodeHash(sibling, hash)
      // A node without a right sibling rises unchanged to the level where it is one.
      while (position % 2 === 0 && position !== 0) {
        position = half(position)
        last = half(last)
      }
    } else {
      hash = nodeHash(hash, sibling)
    }
    position = half(position)
    last = half(last)
  }
  if (last !== 0) throw malformedProof('too short')
  checkRoot('tree root', hash, root)
}
