import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import { createSigner, parsePublicKey } from '../src/index.ts'
import { assertFault } from './assert-fault.ts'
import { KEYS } from './repository.ts'

describe('a signer', () => {
  it('has the identity of its public key and signs alike every time', () => {
    const signer = createSigner(generateKeyPairSync('ed25519').privateKey)
    assert.equal(parsePublicKey(signer.publicKey).keyId, signer.keyId)
    assert.deepEqual(signer.sign(Buffer.from('x')), signer.sign(Buffer.from('x')))
    assert.notEqual(signer.keyId, KEYS.root.keyId)
  })

  it('is made of an Ed25519 private key only', () => {
    assertFault(() => createSigner(generateKeyPairSync('ed25519').publicKey), { code: 'BAD_KEY' })
    assertFault(() => createSigner(generateKeyPairSync('x25519').privateKey), { code: 'BAD_KEY' })
    assertFault(() => createSigner(createSecretKey(Buffer.alloc(32))), { code: 'BAD_KEY' })
    for (const text of ['', 'ab', KEYS.root.publicKey.toUpperCase(), `${KEYS.root.publicKey}00`])
      assertFault(() => parsePublicKey(text), { code: 'BAD_KEY' })
  })
})
