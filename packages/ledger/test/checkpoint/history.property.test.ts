import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { consistencyProof, merkleRoot, verifyConsistency } from '@cairn/protocol'
import { HistoryTree } from '../../src/checkpoint/history.ts'
import { digestBytes, taggedDigest } from '../../src/digest.ts'

const SIZE_MAX = 70

describe('the tree over all blocks', () => {
  const blocks = Array.from({ length: SIZE_MAX }, (_, index) => taggedDigest('block', Uint8Array.of(index)))
  const leaves = blocks.map(digestBytes)
  const tree = new HistoryTree()
  for (const block of blocks) tree.append(block)

  it('has the roots and proofs of RFC 9162, for every size', () => {
    for (let size = 0; size <= SIZE_MAX; size++) {
      const root = Buffer.from(merkleRoot(leaves.slice(0, size))).toString('hex')
      assert.equal(tree.root(size), root)
      for (let oldSize = 1; oldSize <= size; oldSize++) {
        assert.deepEqual(tree.consistency(oldSize, size), consistencyProof(leaves.slice(0, size), oldSize))
      }
    }
  })

  it('goes on from what it kept', () => {
    const kept = new Map<string, Uint8Array>()
    const nodes = {
      get: (level: number, index: number) => kept.get(`${level}/${index}`),
      set: (level: number, index: number, hash: Uint8Array) => void kept.set(`${level}/${index}`, hash),
    }
    for (const [size, block] of blocks.entries()) new HistoryTree(nodes, size).append(block)
    const again = new HistoryTree(nodes, SIZE_MAX)
    assert.equal(again.root(), tree.root())
    verifyConsistency({
      oldSize: 37,
      oldRoot: digestBytes(again.root(37)),
      newSize: SIZE_MAX,
      newRoot: digestBytes(again.root()),
      proof: again.consistency(37),
    })
  })
})
