import type { SourceId } from './download-types.ts'

/**
 * Whose share a chunk is among peers that fetch the same snapshot at once: the peer with the highest hash of (peer, chunk).
 * All who know the same peers agree without a word, and a peer that comes or goes moves only its own share.
 *
 * @see Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (rendezvous hashing)
 */
export class Shares {
  readonly #salts: Uint32Array

  /** `peers` in any order; the caller says which of them is itself by index. At most 255. */
  constructor(peers: readonly SourceId[]) {
    this.#salts = Uint32Array.from(peers, hashText)
  }

  /** Index in `peers` of the one whose share `chunk` is. */
  ownerOf(chunk: number): number {
    let owner = 0
    let highest = -1
    for (let i = 0; i < this.#salts.length; i++) {
      const weight = mix32(this.#salts[i]! ^ mix32(chunk))
      if (weight > highest) {
        highest = weight
        owner = i
      }
    }
    return owner
  }
}

/** An order of the chunks that all peers share: the owner goes through its share from one end, helpers from the other. */
export function sharedOrder(chunk: number): number {
  return mix32(chunk + 0x9e3779b9)
}

/** A bijection of 32 bits with good avalanche (Wellons' `lowbias32`). */
function mix32(value: number): number {
  let mixed = value >>> 0
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
