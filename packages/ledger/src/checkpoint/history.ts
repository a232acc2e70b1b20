import { EMPTY_TREE_ROOT, leafHash, nodeHash } from '@cairn/protocol'
import { type Digest, digestBytes } from '../digest.ts'

/** Where the roots of complete subtrees are kept: `level` 0 holds hashes of leaves, each level half as many as the one below. */
export interface HistoryNodes {
  get(level: number, index: number): Uint8Array | undefined
  set(level: number, index: number, hash: Uint8Array): void
}

/**
 * The RFC 6962 tree over the digests of all final blocks. Appending costs one or two hashes on average, a root or a proof for any two
 * sizes a logarithm of them, whatever the length of the history.
 */
export class HistoryTree {
  readonly #nodes: HistoryNodes
  #size: number

  /** `nodes` hold what a tree of `size` leaves has set. */
  constructor(nodes: HistoryNodes = new MemoryNodes(), size = 0) {
    this.#nodes = nodes
    this.#size = size
  }

  /** Leaves: blocks so far. */
  get size(): number {
    return this.#size
  }

  append(block: Digest): void {
    let hash = leafHash(digestBytes(block))
    let index = this.#size
    this.#nodes.set(0, index, hash)
    // As in binary addition: each trailing one of the size completes a subtree.
    for (let level = 0; index % 2 === 1; level++) {
      hash = nodeHash(this.#node(level, index - 1), hash)
      index = (index - 1) / 2
      this.#nodes.set(level + 1, index, hash)
    }
    this.#size += 1
  }

  /** Root over the first `size` blocks. */
  root(size = this.#size): Digest {
    if (size > this.#size) throw new RangeError(`${size} of ${this.#size} blocks`)
    return Buffer.from(size === 0 ? EMPTY_TREE_ROOT : this.#range(0, size)).toString('hex')
  }

  /** That the first `oldSize` ≥ 1 of the first `newSize` blocks are those of the root at `oldSize`. @see RFC 9162 §2.1.4.1 */
  consistency(oldSize: number, newSize = this.#size): readonly Uint8Array[] {
    if (oldSize < 1 || oldSize > newSize || newSize > this.#size) throw new RangeError(`from ${oldSize} to ${newSize} of ${this.#size}`)
    const proof: Uint8Array[] = []
    let [start, end] = [0, newSize]
    while (end !== oldSize) {
      const middle = start + leftSize(end - start)
      const goesLeft = oldSize <= middle
      proof.push(goesLeft ? this.#range(middle, end) : this.#range(start, middle))
      if (goesLeft) end = middle
      else start = middle
    }
    // From leaf 0 on it is the old tree itself, whose root the verifier has.
    if (start !== 0) proof.push(this.#range(start, end))
    return proof.reverse()
  }

  /** Root over leaves [start, end), which begin where a subtree of that many leaves or more begins. */
  #range(start: number, end: number): Uint8Array {
    const length = end - start
    const left = leftSize(length)
    if (length === 1 || left * 2 === length) return this.#node(Math.round(Math.log2(length)), start / length)
    return nodeHash(this.#range(start, start + left), this.#range(start + left, end))
  }

  #node(level: number, index: number): Uint8Array {
    const hash = this.#nodes.get(level, index)
    if (hash === undefined) throw new RangeError(`history lost node ${index} of level ${level}`)
    return hash
  }
}

/** Places of the largest complete subtrees of a tree of `size` leaves, from the left: all that its root and every later one are made of. */
export function peakPlaces(size: number): readonly { readonly level: number; readonly index: number }[] {
  const places: { readonly level: number; readonly index: number }[] = []
  for (let start = 0; start < size;) {
    const rest = size - start
    // `leftSize` is below its argument, but for 1.
    const length = rest === 1 ? 1 : leftSize(rest) * 2 === rest ? rest : leftSize(rest)
    places.push({ level: Math.round(Math.log2(length)), index: start / length })
    start += length
  }
  return places
}

class MemoryNodes implements HistoryNodes {
  readonly #levels: Uint8Array[][] = []

  get(level: number, index: number): Uint8Array | undefined {
    return this.#levels[level]?.[index]
  }

  set(level: number, index: number, hash: Uint8Array): void {
    const nodes = (this.#levels[level] ??= [])
    nodes[index] = hash
  }
}

/** The largest power of two below `size`; 1 for 1. */
function leftSize(size: number): number {
  let left = 1
  while (left * 2 < size) left *= 2
  return left
}
