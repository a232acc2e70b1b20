/**
 * Merkle trees of RFC 9162 (Certificate Transparency 2.0) over SHA-256.
 *
 * @see ../spec/merkle.md
 */
export { EMPTY_TREE_ROOT, MerkleAccumulator, leafHash, merkleRoot, nodeHash, type Leaves } from './merkle/tree.ts'
export { inclusionProof, verifyInclusion, type InclusionClaim } from './merkle/inclusion.ts'
export { consistencyProof, verifyConsistency, type ConsistencyClaim } from './merkle/consistency.ts'
