import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pureJsCrypto } from '@libp2p/noise'
import * as fc from 'fast-check'
import { Uint8ArrayList } from 'uint8arraylist'
import { recordCrypto } from '../../src/libp2p/noise-crypto.ts'

const RECORD_BYTES_MAX = 65_535 - 16

const key = fc.uint8Array({ minLength: 32, maxLength: 32 })
const nonce = fc.uint8Array({ minLength: 12, maxLength: 12 })
/** None in records, a hash in handshakes. */
const associated = fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ minLength: 32, maxLength: 32 }))
/** On both sides of where the library's own takes over, and up to a full record. */
const plaintext = fc
  .tuple(fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.constantFrom(768, 769, RECORD_BYTES_MAX)), fc.integer({ min: 1, max: 255 }))
  .map(([length, factor]) => Uint8Array.from({ length }, (_, i) => i * factor))
/** Where a record is cut into pieces, in parts of its length; none for a plain array. */
const cuts = fc.option(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }))

describe('the cipher of noise', () => {
  test('makes the bytes of the reference, and reads them back, in whatever pieces they come', () => {
    fc.assert(
      fc.property(key, nonce, associated, plaintext, cuts, cuts, (k, n, ad, plain, cutsOfPlain, cutsOfCipher) => {
        const expected = pureJsCrypto.chaCha20Poly1305Encrypt(plain, n, ad, k).subarray()
        const encrypted = recordCrypto.chaCha20Poly1305Encrypt(pieces(plain, cutsOfPlain), n, ad, k)
        assert.equal(Buffer.compare(encrypted.subarray(), expected), 0)
        assert.equal(encrypted.byteLength, expected.byteLength)
        const copy = Uint8Array.from(expected)
        const target = Uint8Array.from(expected.subarray(0, plain.byteLength))
        const decrypted = recordCrypto.chaCha20Poly1305Decrypt(pieces(copy, cutsOfCipher), n, ad, k, target)
        assert.equal(Buffer.compare(decrypted.subarray(), plain), 0)
      }),
      { numRuns: 200 },
    )
  })

  test('refuses a record of which one bit, or what is associated with it, has changed', () => {
    fc.assert(
      fc.property(key, nonce, associated, plaintext, cuts, fc.nat(), (k, n, ad, plain, cutsOfCipher, bit) => {
        const record = Uint8Array.from(recordCrypto.chaCha20Poly1305Encrypt(plain, n, ad, k).subarray())
        const decrypt = (encrypted: Uint8Array, withAd: Uint8Array): unknown =>
          recordCrypto.chaCha20Poly1305Decrypt(pieces(Uint8Array.from(encrypted), cutsOfCipher), n, withAd, k)
        assert.throws(() => decrypt(record, Uint8Array.of(...ad, 0)))
        const at = bit % (record.byteLength * 8)
        record[at >> 3]! ^= 1 << (at & 7)
        assert.throws(() => decrypt(record, ad))
      }),
      { numRuns: 200 },
    )
  })

  test('never goes on with a key that has been overwritten', () => {
    const [k, n, ad, plain] = [new Uint8Array(32), new Uint8Array(12), new Uint8Array(), new Uint8Array(5000)]
    const before = recordCrypto.chaCha20Poly1305Encrypt(plain, n, ad, k)
    k.fill(1)
    const after = recordCrypto.chaCha20Poly1305Encrypt(plain, n, ad, k)
    assert.notEqual(Buffer.compare(after.subarray(), before.subarray()), 0)
    assert.equal(Buffer.compare(after.subarray(), pureJsCrypto.chaCha20Poly1305Encrypt(plain, n, ad, k).subarray()), 0)
    assert.throws(() => recordCrypto.chaCha20Poly1305Decrypt(before, n, ad, k))
  })
})

function pieces(data: Uint8Array, cutsAt: readonly number[] | null): Uint8Array | Uint8ArrayList {
  if (cutsAt === null) return data
  const ends = [...cutsAt.map((cut) => Math.round(cut * data.byteLength)).toSorted((a, b) => a - b), data.byteLength]
  return new Uint8ArrayList(...ends.map((end, i) => data.subarray(ends[i - 1] ?? 0, end)))
}
