import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { encodeTrustState, TrustError } from '../src/index.ts'
import { KEYS, NOW, seedSigner } from './repository.ts'
import { refusedFiles, type TrustVectors, vectorRepository, vectorUpdate } from './vector-repository.ts'

const vectors = JSON.parse(readFileSync(new URL('../../../test/vectors/trust.json', import.meta.url), 'utf8')) as TrustVectors
const files = Object.fromEntries(Object.entries(vectors.files).map(([file, text]) => [file, Buffer.from(text)]))

describe('the trust vectors', () => {
  it('are what the building side writes', () => {
    const repository = vectorRepository()
    const texts = Object.fromEntries(Object.entries(repository.files).map(([file, bytes]) => [file, Buffer.from(bytes).toString()]))
    assert.deepEqual(texts, vectors.files)
    assert.deepEqual(refusedFiles(repository), vectors.refused)
  })

  it('name keys as anyone would', () => {
    assert.deepEqual(Object.keys(vectors.keys), Object.keys(KEYS))
    for (const { seed, keyId, publicKey } of Object.values(vectors.keys)) {
      const signer = seedSigner(Number.parseInt(seed.slice(0, 2), 16))
      assert.deepEqual({ keyId: signer.keyId, publicKey: signer.publicKey }, { keyId, publicKey })
    }
  })

  it('are accepted by a client, and stored', () => {
    assert.equal(Date.parse(vectors.now), NOW)
    assert.equal(Buffer.from(encodeTrustState(vectorUpdate(files))).toString(), vectors.trustState)
  })

  for (const { name, code, file, text } of vectors.refused) {
    it(`are refused with ${code}: ${name}`, () => {
      assert.notEqual(text, vectors.files[file])
      assert.throws(
        () => vectorUpdate({ ...files, [file]: Buffer.from(text) }),
        (error) => error instanceof TrustError && error.fault.code === code,
      )
    })
  }
})
