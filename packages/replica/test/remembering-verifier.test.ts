import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ed25519Signer, ed25519Verifier, type Verifier } from '@cairn/ledger'
import { rememberingVerifier } from '../src/remembering-verifier.ts'

describe('a verifier that remembers', () => {
  const [signer, other] = [1, 2].map((byte) => ed25519Signer(new Uint8Array(32).fill(byte)))
  const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

  function counting(): { readonly verifier: Verifier; checks: number } {
    const real = ed25519Verifier()
    const counter = {
      checks: 0,
      verifier: {
        verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array) {
          counter.checks++
          return real.verify(publicKey, bytes, signature)
        },
      },
    }
    return counter
  }

  it('checks once what is good, and each time what is not', () => {
    const counter = counting()
    const verifier = rememberingVerifier(counter.verifier)
    const signature = signer!.sign(text('a'))
    for (let count = 0; count < 3; count++) assert.equal(verifier.verify(signer!.publicKey, text('a'), signature), true)
    assert.equal(counter.checks, 1)
    for (let count = 0; count < 2; count++) {
      assert.equal(verifier.verify(signer!.publicKey, text('b'), signature), false)
      assert.equal(verifier.verify(other!.publicKey, text('a'), signature), false)
      assert.equal(verifier.verify(signer!.publicKey, text('a'), signature.with(0, signature[0]! ^ 1)), false)
    }
    assert.equal(counter.checks, 7)
  })

  it('does not take what its memory was given since', () => {
    const verifier = rememberingVerifier(ed25519Verifier())
    const bytes = text('a')
    const signature = signer!.sign(bytes)
    assert.equal(verifier.verify(signer!.publicKey, bytes, signature), true)
    bytes[0] = 0
    assert.equal(verifier.verify(signer!.publicKey, bytes, signature), false)
  })

  it('forgets the oldest', () => {
    const counter = counting()
    const verifier = rememberingVerifier(counter.verifier, 2)
    const signed = ['a', 'b', 'c'].map((value) => ({ bytes: text(value), signature: signer!.sign(text(value)) }))
    for (const { bytes, signature } of signed) verifier.verify(signer!.publicKey, bytes, signature)
    verifier.verify(signer!.publicKey, signed[2]!.bytes, signed[2]!.signature)
    assert.equal(counter.checks, 3)
    verifier.verify(signer!.publicKey, signed[0]!.bytes, signed[0]!.signature)
    assert.equal(counter.checks, 4)
  })
})
