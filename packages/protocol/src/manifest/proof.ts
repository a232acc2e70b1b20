import { inclusionProof, verifyInclusion } from '../merkle.ts'
import type { SnapshotIndex } from './snapshot-index.ts'
import type { ManifestRoot } from './types.ts'

/** That a chunk is of a snapshot, for a holder of its root alone. */
export interface ChunkProof {
  /** SHA-256 of the plain chunk, 32 bytes. */
  readonly digest: Uint8Array
  /** Its chunk index. */
  readonly chunk: number
  /** 32 bytes each, from the leaf's sibling up. */
  readonly proof: readonly Uint8Array[]
}

/** Hashes every chunk digest of the snapshot once. */
export function proveChunk(index: SnapshotIndex, chunk: number): ChunkProof {
  const leaves = { length: index.chunksCount, at: (i: number): Uint8Array => index.chunkDigest(i) }
  return { digest: index.chunkDigest(chunk).slice(), chunk, proof: inclusionProof(leaves, chunk) }
}

/**
 * Verifies that the chunk `proof.digest` is number `proof.chunk` of the snapshot `root`. Only `root` is trusted.
 *
 * @throws {ProtocolError} `MALFORMED` or `MISMATCH`, as `verifyInclusion`
 */
export function verifyChunkProof(root: ManifestRoot, { digest, chunk, proof }: ChunkProof): void {
  verifyInclusion({ leaf: digest, index: chunk, treeSize: root.totals.chunks, proof, root: root.chunkRoot })
}
