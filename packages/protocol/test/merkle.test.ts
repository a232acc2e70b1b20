import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sha256 } from '../src/cid.ts'
import {
  consistencyProof,
  EMPTY_TREE_ROOT,
  inclusionProof,
  leafHash,
  MerkleAccumulator,
  merkleRoot,
  verifyConsistency,
  verifyInclusion,
} from '../src/merkle.ts'
import { hex, readVectors, unhex } from './vectors.ts'

interface Vectors {
  /** Of the test tree that Certificate Transparency implementations share. */
  readonly leaves: readonly string[]
  readonly leafHashes: readonly string[]
  /** By tree size, from 0. */
  readonly roots: readonly string[]
  readonly inclusion: readonly { readonly index: number; readonly treeSize: number; readonly proof: readonly string[] }[]
  readonly consistency: readonly { readonly oldSize: number; readonly newSize: number; readonly proof: readonly string[] }[]
}

const vectors = readVectors('merkle') as Vectors
const leaves = vectors.leaves.map(unhex)
const roots = vectors.roots.map(unhex)

describe('merkle vectors', () => {
  it('leaves and roots', () => {
    assert.deepEqual(leaves.map(leafHash).map(hex), vectors.leafHashes)
    assert.deepEqual(
      roots.map((_, size) => hex(merkleRoot(leaves.slice(0, size)))),
      vectors.roots,
    )
  })
  for (const { index, treeSize, proof } of vectors.inclusion) {
    it(`leaf ${index} of ${treeSize}`, () => {
      assert.deepEqual(inclusionProof(leaves.slice(0, treeSize), index).map(hex), proof)
      verifyInclusion({ leaf: leaves[index]!, index, treeSize, proof: proof.map(unhex), root: roots[treeSize]! })
    })
  }
  for (const { oldSize, newSize, proof } of vectors.consistency) {
    it(`from ${oldSize} to ${newSize} leaves`, () => {
      assert.deepEqual(consistencyProof(leaves.slice(0, newSize), oldSize).map(hex), proof)
      verifyConsistency({ oldSize, newSize, oldRoot: roots[oldSize]!, newRoot: roots[newSize]!, proof: proof.map(unhex) })
    })
  }
})

describe('merkle', () => {
  it('tells a leaf from an inner node', () => {
    const [left, right] = [leafHash(leaves[0]!), leafHash(leaves[1]!)]
    assert.notEqual(hex(merkleRoot([Buffer.concat([left, right])])), hex(roots[2]!))
  })

  it('accumulates the root of every prefix', () => {
    const tree = new MerkleAccumulator()
    assert.equal(hex(tree.root()), hex(EMPTY_TREE_ROOT))
    for (const [index, leaf] of leaves.entries()) {
      tree.append(leaf)
      assert.equal(tree.size, index + 1)
      assert.equal(hex(tree.root()), vectors.roots[index + 1])
    }
  })

  it('has no proof of a leaf or a prefix that is not there', () => {
    for (const index of [-1, 8, 0.5, NaN]) assert.throws(() => inclusionProof(leaves, index), /RangeError: leaf .* of 8/)
    for (const oldSize of [0, 9, 0.5, NaN]) assert.throws(() => consistencyProof(leaves, oldSize), /RangeError: .* of 8 leaves/)
    assert.throws(() => inclusionProof([], 0), RangeError)
    assert.throws(() => inclusionProof({ length: 3, at: () => undefined }, 0), RangeError)
  })

  it('says of an inclusion proof what is wrong with it', () => {
    const claim = { leaf: leaves[5]!, index: 5, treeSize: 7, proof: inclusionProof(leaves.slice(0, 7), 5), root: roots[7]! }
    verifyInclusion(claim)
    const fails = (message: RegExp, change: Partial<typeof claim>): void =>
      assert.throws(() => verifyInclusion({ ...claim, ...change }), { name: 'ProtocolError', message })
    fails(/^tree root is/, { leaf: leaves[4]! })
    fails(/^tree root is/, { index: 4 })
    fails(/^tree root is .*, 76e67dad.* was expected$/, { root: roots[6]! })
    fails(/^tree root is/, { proof: claim.proof.toReversed() })
    fails(/too long/, { index: 6 })
    fails(/leaf 7 of 7/, { index: 7 })
    fails(/leaf -1 of 7/, { index: -1 })
    fails(/leaf 0.5 of 7/, { index: 0.5 })
    fails(/leaf 5 of 0/, { treeSize: 0 })
    fails(/leaf 5 of 7.5/, { treeSize: 7.5 })
    fails(/leaf 5 of Infinity/, { treeSize: Infinity })
    fails(/too short/, { treeSize: 9 })
    fails(/too short/, { treeSize: 2 ** 53 - 1 })
    fails(/hash of 31 bytes/, { root: roots[7]!.subarray(1) })
    fails(/too short/, { proof: claim.proof.slice(1) })
    fails(/too long/, { proof: [...claim.proof, roots[1]!] })
    fails(/hash of 31 bytes/, { proof: claim.proof.with(1, new Uint8Array(31)) })
    fails(/too long/, { proof: Array.from({ length: 100_000 }, () => roots[1]!) })
  })

  it('says of a consistency proof what is wrong with it', () => {
    const claim = { oldSize: 3, oldRoot: roots[3]!, newSize: 7, newRoot: roots[7]!, proof: consistencyProof(leaves.slice(0, 7), 3) }
    verifyConsistency(claim)
    const fails = (message: RegExp, change: Partial<typeof claim>): void =>
      assert.throws(() => verifyConsistency({ ...claim, ...change }), { name: 'ProtocolError', message })
    fails(/^old root is/, { oldRoot: roots[2]! })
    fails(/^new root is/, { newRoot: roots[6]! })
    fails(/too long/, { oldSize: 4 })
    fails(/from 0 to 7 leaves/, { oldSize: 0, oldRoot: roots[0]!, proof: [] })
    fails(/from 2.5 to 7 leaves/, { oldSize: 2.5 })
    fails(/from 3 to 7.5 leaves/, { newSize: 7.5 })
    fails(/from 8 to 7 leaves/, { oldSize: 8 })
    fails(/from 3 to 9007199254740992 leaves/, { newSize: 2 ** 53 })
    fails(/too short/, { newSize: 9 })
    fails(/hash of 0 bytes/, { oldRoot: new Uint8Array() })
    fails(/hash of 33 bytes/, { newRoot: new Uint8Array(33) })
    fails(/too short/, { proof: [] })
    fails(/too short/, { proof: claim.proof.slice(1) })
    fails(/too short/, { proof: claim.proof.slice(0, -1) })
    fails(/too long/, { proof: [...claim.proof, roots[1]!] })
    fails(/hash of 33 bytes/, { proof: claim.proof.with(0, new Uint8Array(33)) })
    fails(/hash of 31 bytes/, { proof: claim.proof.with(2, new Uint8Array(31)) })
    fails(/too long/, { oldSize: 7, oldRoot: roots[7]! })
    fails(/^new root is/, { oldSize: 7, proof: [] })
    verifyConsistency({ ...claim, oldSize: 7, oldRoot: roots[7]!, proof: [] })
  })

  it('verifies positions beyond 32 bits', () => {
    // A leaf that is alone on the right of a perfect tree of 2^40 leaves, of which only the root is known.
    const left = roots[8]!
    const root = merkleRootOfTwo(left, leafHash(leaves[0]!))
    verifyInclusion({ leaf: leaves[0]!, index: 2 ** 40, treeSize: 2 ** 40 + 1, proof: [left], root })
    verifyConsistency({ oldSize: 2 ** 40, oldRoot: left, newSize: 2 ** 40 + 1, newRoot: root, proof: [leafHash(leaves[0]!)] })
  })
})

function merkleRootOfTwo(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Buffer.concat([Uint8Array.of(1), left, right]))
}
