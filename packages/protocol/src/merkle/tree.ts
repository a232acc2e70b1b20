import { SHA256_BYTES, sha256 } from '../cid.ts'

/** Root of the tree without leaves. */
export const EMPTY_TREE_ROOT: Uint8Array = sha256(new Uint8Array(0))

// Different first bytes, so that no inner node can be passed off as a leaf, nor a leaf as an inner node.
const LEAF_PREFIX = 0x00
const NODE_PREFIX = 0x01

/** The leaves of a tree by position. An array is one. */
export interface Leaves {
  readonly length: number
  at(index: number): Uint8Array | undefined
}

export function leafHash(leaf: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + leaf.byteLength)
  input[0] = LEAF_PREFIX
  input.set(leaf, 1)
  return sha256(input)
}

/** Hash of the inner node over two hashes of {@link SHA256_BYTES} each. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const input = new Uint8Array(1 + 2 * SHA256_BYTES)
  input[0] = NODE_PREFIX
  input.set(left, 1)
  input.set(right, 1 + SHA256_BYTES)
  return sha256(input)
}

/**
 * The root over leaves that arrive one by one. Keeps one hash per set bit of the number of leaves.
 *
 * Invariant: `peaks` are the roots of the perfect subtrees that the leaves fall into, from left to right and from large to small.
 */
export class MerkleAccumulator {
  readonly #peaks: Uint8Array[] = []
  #size = 0

  /** Leaves so far. */
  get size(): number {
    return this.#size
  }

  append(leaf: Uint8Array): void {
    let hash = leafHash(leaf)
    // As in binary addition: each trailing one of the size is a peak as large as the new subtree, and merges with it.
    for (let size = this.#size; size % 2 === 1; size = half(size)) hash = nodeHash(this.#peaks.pop()!, hash)
    this.#peaks.push(hash)
    this.#size += 1
  }

  root(): Uint8Array {
    return (
      this.#peaks.reduceRight<Uint8Array | undefined>((right, left) => (right ? nodeHash(left, right) : left), undefined) ?? EMPTY_TREE_ROOT
    )
  }
}

/** @see RFC 9162 §2.1.1 */
export function merkleRoot(leaves: Iterable<Uint8Array>): Uint8Array {
  const tree = new MerkleAccumulator()
  for (const leaf of leaves) tree.append(leaf)
  return tree.root()
}

/** Root over leaves [start, end), as a tree of its own. */
export function rangeRoot(leaves: Leaves, start: number, end: number): Uint8Array {
  const tree = new MerkleAccumulator()
  for (let index = start; index < end; index++) {
    const leaf = leaves.at(index)
    if (leaf === undefined) throw new RangeError(`no leaf ${index} of ${leaves.length}`)
    tree.append(leaf)
  }
  return tree.root()
}

/** Leaves in the left subtree of a tree of `size` ≥ 2 leaves: the largest power of two below `size`. */
export function leftSize(size: number): number {
  let left = 1
  while (left * 2 < size) left *= 2
  return left
}

/** One level up. Division, for sizes may exceed 32 bits. */
export function half(position: number): number {
  return Math.floor(position / 2)
}
