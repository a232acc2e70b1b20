import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LedgerError } from '../../src/errors.ts'
import { proveKey, verifyKey } from '../../src/state/proof.ts'
import { hexOf, keyOf, TestTree } from './trees.ts'

const text = (index: number): string => Buffer.from(`key ${String(index).padStart(5, '0')}`).toString('hex')

describe('proofs about a key', () => {
  const tree = new TestTree()
  tree.update(new Map(Array.from({ length: 3000 }, (_, index) => [text(2 * index), new Uint8Array(100).fill(index)])))
  const root = hexOf(tree.root.hash)
  const refuses = (key: Uint8Array, proof: readonly Uint8Array[], code: string): void => {
    assert.throws(
      () => verifyKey(root, key, proof),
      (error) => error instanceof LedgerError && error.fault.code === code,
    )
  }

  it('prove the value, and that there is none', () => {
    for (let index = 0; index < 6000; index += 7) {
      const key = keyOf(text(index))
      const proof = proveKey(tree.pages, tree.root, key)
      assert.ok(proof.length >= 2 && proof.length <= 4)
      const found = verifyKey(root, key, proof)
      assert.deepEqual(found, index % 2 === 0 ? new Uint8Array(100).fill(index / 2) : undefined)
    }
    const before = Uint8Array.of(1)
    assert.equal(verifyKey(root, before, proveKey(tree.pages, tree.root, before)), undefined)
  })

  it('prove nothing when a page is changed, left out, added, or of another key', () => {
    const key = keyOf(text(500))
    const proof = proveKey(tree.pages, tree.root, key)
    for (const [index, page] of proof.entries()) {
      for (const at of [0, 9, page.byteLength >> 1, page.byteLength - 1]) {
        const changed = new Uint8Array(page)
        changed[at]! ^= 1
        refuses(key, proof.with(index, changed), 'STATE_PROOF_INVALID')
      }
      refuses(key, proof.toSpliced(index, 1), 'STATE_PROOF_INVALID')
      refuses(key, proof.toSpliced(index, 0, page), 'STATE_PROOF_INVALID')
    }
    refuses(key, [...proof, proof[0]!], 'STATE_PROOF_INVALID')
    refuses(keyOf(text(5000)), proof, 'STATE_PROOF_INVALID')
    refuses(
      key,
      Array.from({ length: 1000 }, () => proof[0]!),
      'STATE_PROOF_INVALID',
    )
  })

  it('prove of the empty state that it has nothing', () => {
    const { pages, root } = new TestTree()
    assert.equal(verifyKey(hexOf(root.hash), keyOf('00'), proveKey(pages, root, keyOf('00'))), undefined)
  })
})
