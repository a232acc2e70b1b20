import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { pageCidFromDigest, parseCid, sha256 } from '@cairn/protocol'
import * as fc from 'fast-check'
import { decodeFingerprints, encodeFingerprints, type EntryFingerprint } from '../../src/place/fingerprints.ts'

interface Vectors {
  readonly accepted: readonly {
    readonly name: string
    readonly snapshot: string
    readonly files: readonly EntryFingerprint[]
    readonly hex: string
  }[]
  readonly refused: readonly { readonly name: string; readonly hex: string }[]
}

const text = readFileSync(new URL('../../../../test/vectors/fingerprints.json', import.meta.url), 'utf8')
const vectors = JSON.parse(text, (key, value: unknown) => (key === 'inode' || key === 'mtimeNs' ? BigInt(String(value)) : value)) as Vectors

describe('fingerprint vectors', () => {
  for (const { name, snapshot, files, hex } of vectors.accepted) {
    it(name, () => {
      const bytes = Buffer.from(hex, 'hex')
      assert.deepEqual(decodeFingerprints(bytes), { snapshot: parseCid(snapshot), files })
      assert.deepEqual(Buffer.from(encodeFingerprints({ snapshot: parseCid(snapshot), files })), bytes)
    })
  }
  for (const { name, hex } of vectors.refused) {
    it(`takes no word of ${name}`, () => assert.equal(decodeFingerprints(Buffer.from(hex, 'hex')), undefined))
  }
})

describe('fingerprints', () => {
  const snapshot = pageCidFromDigest(sha256(Buffer.from('a snapshot')))
  const files = fc.array(
    fc.record(
      {
        entry: fc.nat(),
        inode: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        mtimeNs: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      },
      { noNullPrototype: true },
    ),
  )

  it('come back as they were written, and not at all with a byte changed or cut off', () => {
    fc.assert(
      fc.property(files, fc.nat(), (files, at) => {
        const bytes = encodeFingerprints({ snapshot, files })
        assert.deepEqual(decodeFingerprints(bytes), { snapshot, files })
        assert.equal(decodeFingerprints(bytes.subarray(0, at % bytes.byteLength)), undefined)
        const changed = Buffer.from(bytes)
        changed[at % changed.byteLength]! ^= 1
        assert.equal(decodeFingerprints(changed), undefined)
      }),
    )
  })
})
