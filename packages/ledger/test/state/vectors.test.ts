import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { ed25519Signer, ed25519Verifier } from '../../src/signing.ts'
import { applyBlock, GENESIS_STATE } from '../../src/state/apply-block.ts'
import { decodeOperation, encodeOperation, type StateOperation, verifyOperation } from '../../src/state/operation.ts'
import { encodePage } from '../../src/state/page.ts'
import { MemoryPages } from '../../src/state/page-source.ts'
import { proveKey } from '../../src/state/proof.ts'
import { hexOf, keyOf, TestTree } from './trees.ts'

interface Vectors {
  readonly trees: readonly {
    readonly name: string
    readonly seed: number
    readonly entries: number
    readonly prefix: string
    readonly keyBytes: number
    readonly valueBytes: number
    readonly root: string
    readonly pages: number
    readonly bytes: number
  }[]
  readonly operations: readonly { readonly name: string; readonly id: string; readonly body: string }[]
  readonly blocks: { readonly roots: readonly string[]; readonly lastPages: readonly string[]; readonly empty: string }
}

const vectors = JSON.parse(readFileSync(new URL('../../../../test/vectors/ledger-state.json', import.meta.url), 'utf8')) as Vectors
const LEDGER = { networkId: 'ab'.repeat(32), chainId: 7 }

describe('vectors of the state', () => {
  for (const { name, seed, entries, prefix, keyBytes, valueBytes, root, pages, bytes } of vectors.trees) {
    it(`tree: ${name}`, () => {
      const noise = xorshift(seed, entries * (keyBytes + valueBytes))
      const tree = new TestTree()
      // One by one: the vector was made at once.
      for (let at = 0; at < noise.byteLength; at += keyBytes + valueBytes) {
        const value = noise.slice(at + keyBytes, at + keyBytes + valueBytes)
        tree.update(new Map([[prefix + hexOf(noise.subarray(at, at + keyBytes)), value]]))
      }
      assert.deepEqual([hexOf(tree.root.hash), tree.root.bytes], [root, bytes])
      assert.equal(tree.pages.size, Math.max(pages, 1))
    })
  }

  it('operations', () => {
    const client = ed25519Signer(new Uint8Array(32).fill(1))
    for (const { name, id, body } of vectors.operations) {
      const operation: StateOperation = verifyOperation(LEDGER, ed25519Verifier(), id, keyOf(body))
      assert.equal(operation.action.type, name)
      assert.equal(hexOf(encodeOperation(LEDGER, operation, client).body), body)
    }
  })

  it('blocks', () => {
    const pages = new MemoryPages()
    const payload = vectors.operations.map(({ id, body }, index) => {
      const { action } = decodeOperation(LEDGER, id, keyOf(body))
      return encodeOperation(LEDGER, { client: new Uint8Array(32), nonce: new Uint8Array(16).fill(index), lastHeight: 2, action })
    })
    let state = GENESIS_STATE
    for (const [index, root] of vectors.blocks.roots.entries()) {
      const applied = applyBlock(pages, LEDGER, state, index < 2 ? payload : [])
      for (const page of applied.written) pages.add(page)
      state = applied.state
      assert.equal(hexOf(state.root.hash), root, `block ${index + 1}`)
    }
    assert.deepEqual(proveKey(pages, state.root, Uint8Array.of(9)).map(hexOf), vectors.blocks.lastPages)
    assert.equal(hexOf(encodePage({ kind: 'leaf', items: [] })), vectors.blocks.empty)
  })
})

/** Marsaglia's xorshift32 (13, 17, 5), each state after a step as 4 little-endian bytes. */
function xorshift(seed: number, bytes: number): Uint8Array {
  const content = new DataView(new ArrayBuffer(bytes))
  let state = seed
  for (let at = 0; at < bytes; at += 4) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    content.setUint32(at, state, true)
  }
  return new Uint8Array(content.buffer)
}
