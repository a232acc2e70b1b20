import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { sha256 } from '../src/cid.ts'
import { ProtocolError } from '../src/errors.ts'
import { consistencyProof, inclusionProof, MerkleAccumulator, merkleRoot, verifyConsistency, verifyInclusion } from '../src/merkle.ts'
import { hex } from './vectors.ts'

const SIZE_MAX = 40
const leaves = Array.from({ length: SIZE_MAX }, (_, index) => sha256(Uint8Array.of(index)))
const roots = Array.from({ length: SIZE_MAX + 1 }, (_, size) => naiveRoot(leaves.slice(0, size)))
const sizes = fc.integer({ min: 1, max: SIZE_MAX })

/** RFC 9162 §2.1.1, word for word. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return sha256(new Uint8Array())
  if (leaves.length === 1) return sha256(Buffer.concat([Uint8Array.of(0), leaves[0]!]))
  const left = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return sha256(Buffer.concat([Uint8Array.of(1), naiveRoot(leaves.slice(0, left)), naiveRoot(leaves.slice(left))]))
}

/** RFC 9162 §2.1.3.1, word for word. */
function naivePath(index: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length === 1) return []
  const left = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return index < left
    ? [...naivePath(index, leaves.slice(0, left)), naiveRoot(leaves.slice(left))]
    : [...naivePath(index - left, leaves.slice(left)), naiveRoot(leaves.slice(0, left))]
}

/** RFC 9162 §2.1.4.1, word for word. */
function naiveSubproof(oldSize: number, leaves: readonly Uint8Array[], known: boolean): Uint8Array[] {
  if (oldSize === leaves.length) return known ? [] : [naiveRoot(leaves)]
  const left = 2 ** Math.ceil(Math.log2(leaves.length) - 1)
  return oldSize <= left
    ? [...naiveSubproof(oldSize, leaves.slice(0, left), known), naiveRoot(leaves.slice(left))]
    : [...naiveSubproof(oldSize - left, leaves.slice(left), false), naiveRoot(leaves.slice(0, left))]
}

describe('merkle laws', () => {
  it('roots are those of the definition', () => {
    const tree = new MerkleAccumulator()
    for (let size = 0; size <= SIZE_MAX; size++) {
      assert.equal(hex(merkleRoot(leaves.slice(0, size))), hex(roots[size]!))
      assert.equal(hex(tree.root()), hex(roots[size]!))
      if (size < SIZE_MAX) tree.append(leaves[size]!)
    }
  })

  it('inclusion proofs are those of the definition and verify', () => {
    for (let treeSize = 1; treeSize <= SIZE_MAX; treeSize++) {
      const some = leaves.slice(0, treeSize)
      for (let index = 0; index < treeSize; index++) {
        const proof = inclusionProof(some, index)
        assert.deepEqual(proof.map(hex), naivePath(index, some).map(hex))
        verifyInclusion({ leaf: leaves[index]!, index, treeSize, proof, root: roots[treeSize]! })
      }
    }
  })

  it('consistency proofs are those of the definition and verify', () => {
    for (let newSize = 1; newSize <= SIZE_MAX; newSize++) {
      const some = leaves.slice(0, newSize)
      for (let oldSize = 1; oldSize <= newSize; oldSize++) {
        const proof = consistencyProof(some, oldSize)
        assert.deepEqual(proof.map(hex), naiveSubproof(oldSize, some, true).map(hex))
        verifyConsistency({ oldSize, oldRoot: roots[oldSize]!, newSize, newRoot: roots[newSize]!, proof })
      }
    }
  })

  it('no flipped bit, lost, added or exchanged hash leaves an inclusion proof valid', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), damages, (treeSize, place, damage) => {
        const index = place % treeSize
        const proof = inclusionProof(leaves.slice(0, treeSize), index)
        const damaged = damage(proof)
        if (damaged === undefined) return
        const claim = { leaf: leaves[index]!, index, treeSize, proof: damaged, root: roots[treeSize]! }
        assert.throws(() => verifyInclusion(claim), ProtocolError)
      }),
      { numRuns: 1000 },
    )
  })

  it('no flipped bit, lost, added or exchanged hash leaves a consistency proof valid', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), damages, (newSize, place, damage) => {
        const oldSize = 1 + (place % newSize)
        const damaged = damage(consistencyProof(leaves.slice(0, newSize), oldSize))
        if (damaged === undefined) return
        const claim = { oldSize, oldRoot: roots[oldSize]!, newSize, newRoot: roots[newSize]!, proof: damaged }
        assert.throws(() => verifyConsistency(claim), ProtocolError)
      }),
      { numRuns: 1000 },
    )
  })

  it('a leaf is at no other position', () => {
    fc.assert(
      fc.property(sizes, fc.nat(), fc.nat(), (treeSize, place, other) => {
        const index = place % treeSize
        const wrong = other % treeSize
        fc.pre(index !== wrong)
        const proof = inclusionProof(leaves.slice(0, treeSize), index)
        const claim = { leaf: leaves[index]!, index: wrong, treeSize, proof, root: roots[treeSize]! }
        assert.throws(() => verifyInclusion(claim), ProtocolError)
      }),
    )
  })
})

/** One damage to a proof; undefined where this proof has no place for it. */
const damages = fc
  .tuple(fc.constantFrom('flip', 'remove', 'insert', 'swap'), fc.nat(), fc.nat(255))
  .map(([how, place, bit]) => (proof: readonly Uint8Array[]): readonly Uint8Array[] | undefined => {
    const at = proof.length === 0 ? 0 : place % proof.length
    const hash = proof[at]
    if (how === 'insert') return proof.toSpliced(at, 0, leaves[bit % SIZE_MAX]!)
    if (hash === undefined) return undefined
    if (how === 'remove') return proof.toSpliced(at, 1)
    if (how === 'flip') return proof.with(at, new Uint8Array(hash).with(bit >> 3, hash[bit >> 3]! ^ (1 << (bit & 7))))
    const next = proof[at + 1]
    return next && proof.with(at, next).with(at + 1, hash)
  })
