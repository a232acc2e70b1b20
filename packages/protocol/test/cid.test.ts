import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  CID,
  CID_BYTES,
  chunkCid,
  cidDigest,
  decodeCid,
  isPageCid,
  pageCid,
  pageCidFromDigest,
  parseCid,
  sha256,
  verifyBlock,
} from '../src/cid.ts'
import { ProtocolError } from '../src/errors.ts'
import { hasFault } from './messages/faults.ts'
import { hex, readVectors, unhex } from './vectors.ts'

interface Vectors {
  readonly accepted: readonly {
    readonly name: string
    readonly kind: 'chunk' | 'page'
    readonly plain: string
    readonly cid: string
    readonly text: string
  }[]
  readonly refused: readonly { readonly name: string; readonly hex: string }[]
  readonly refusedText: readonly { readonly name: string; readonly text: string }[]
}

const vectors = readVectors('cid') as Vectors
const block = new TextEncoder().encode('a block')
const chunk = chunkCid(sha256(block))
const page = pageCid(block)

describe('cid vectors', () => {
  for (const { name, kind, plain, cid, text } of vectors.accepted) {
    it(name, () => {
      const made = kind === 'page' ? pageCid(unhex(plain)) : chunkCid(sha256(unhex(plain)))
      assert.equal(hex(made.bytes), cid)
      assert.equal(made.toString(), text)
      assert(decodeCid(unhex(cid)).equals(made))
      assert(parseCid(text).equals(made))
      assert.equal(isPageCid(parseCid(text)), kind === 'page')
      assert(verifyBlock(decodeCid(unhex(cid)), unhex(plain)))
    })
  }
  for (const { name, hex } of vectors.refused) {
    it(`refuses: ${name}`, () => assert.throws(() => decodeCid(unhex(hex)), hasFault('BAD_CID')))
  }
  for (const { name, text } of vectors.refusedText) {
    it(`refuses: ${name}`, () => assert.throws(() => parseCid(text), hasFault('BAD_CID')))
  }
})

describe('cid', () => {
  it('names a chunk and a page of the same bytes differently', () => {
    assert(!chunk.equals(page))
    assert.deepEqual(cidDigest(chunk), cidDigest(page))
    assert(pageCidFromDigest(cidDigest(page)).equals(page))
  })

  it('verifies the very block and no other', () => {
    assert(verifyBlock(chunk, block))
    assert(verifyBlock(page, block))
    for (let at = 0; at < block.length; at++) {
      const changed = block.with(at, block[at]! ^ 1)
      assert(!verifyBlock(chunk, changed))
    }
    assert(!verifyBlock(chunk, block.subarray(1)))
    assert(!verifyBlock(chunk, new Uint8Array()))
  })

  it('keeps its digest when the bytes it was read from change', () => {
    const bytes = new Uint8Array(chunk.bytes)
    const cid = decodeCid(bytes)
    bytes.fill(0)
    assert(cid.equals(chunk))
  })

  it('refuses every length but its own', () => {
    for (let length = 0; length < CID_BYTES; length++) {
      assert.throws(() => decodeCid(chunk.bytes.subarray(0, length)), hasFault('BAD_CID'))
    }
    assert.throws(() => decodeCid(Uint8Array.of(...chunk.bytes, 0)), hasFault('BAD_CID'))
  })

  it('reads a changed byte as another identifier or refuses it', () => {
    for (let at = 0; at < CID_BYTES; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = new Uint8Array(chunk.bytes)
        changed[at]! ^= 1 << bit
        try {
          assert.equal(hex(decodeCid(changed).bytes), hex(changed))
          assert(at >= 4, 'no bit of the prefix makes another identifier')
        } catch (error) {
          assert(error instanceof ProtocolError && error.fault.code === 'BAD_CID')
          assert(at < 4, 'every digest is an identifier')
        }
      }
    }
  })

  it('refuses a digest of another length', () => {
    for (const length of [0, 31, 33]) {
      assert.throws(() => chunkCid(new Uint8Array(length)), hasFault('BAD_CID'))
      assert.throws(() => pageCidFromDigest(new Uint8Array(length)), hasFault('BAD_CID'))
    }
  })

  it('is a CID of multiformats', () => assert(CID.parse(chunk.toString()).equals(chunk)))
})
