import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ed25519Verifier, encodeOperation, type Operation } from '@cairn/ledger'
import { Admission } from '../src/admission.ts'
import { UNCHECKED_MAX } from '../src/limits.ts'
import { CLIENT, LEDGER, put } from './replicas.ts'

function forgedOf(operation: Operation): Operation {
  const body = new Uint8Array(operation.body)
  body[body.byteLength - 1]! ^= 1
  return { ...operation, body }
}

describe('admission', { timeout: 60_000 }, () => {
  const init = { ledger: LEDGER, verifier: ed25519Verifier(), signedOperations: true }

  it('takes what is its client’s, and nothing else', async () => {
    await using admission = new Admission(init)
    const operation = put('name', 'one')
    assert.deepEqual(await admission.admit(operation), { type: 'valid' })
    assert.equal((await admission.admit(forgedOf(operation))).type, 'invalid')
    assert.equal((await admission.admit({ ...operation, id: put('name', 'two').id })).type, 'invalid')
    assert.equal((await admission.admit({ id: 'made up', body: new Uint8Array(200) })).type, 'invalid')
    const other = { ...LEDGER, chainId: LEDGER.chainId + 1 }
    const nonce = new Uint8Array(16)
    const action = { type: 'delete', key: Buffer.from('name') } as const
    const elsewhere = encodeOperation(other, { client: CLIENT.publicKey, nonce, lastHeight: 9, action }, CLIENT)
    assert.equal((await admission.admit(elsewhere)).type, 'invalid')
  })

  it('knows again at once what it found good, and never what it found bad', async () => {
    await using admission = new Admission(init)
    const [one, two] = [put('a', '1'), put('b', '2')]
    const first = admission.areValid([one, two])
    assert.ok(first instanceof Promise)
    assert.equal(await first, true)
    assert.equal(admission.areValid([two, one]), true)
    const mixed = admission.areValid([one, forgedOf(two)])
    assert.ok(mixed instanceof Promise)
    assert.equal(await mixed, false)
    assert.ok(admission.areValid([one, forgedOf(two)]) instanceof Promise)
    assert.equal(admission.areValid([one, { ...two, body: one.body }]), false)
  })

  it('leaves out what is not valid of what a replica forwards', async () => {
    await using admission = new Admission(init)
    const [one, two, three] = [put('a', '1'), put('b', '2'), put('c', '3')]
    assert.deepEqual(await admission.admitAll([one, forgedOf(two), three]), [one, three])
  })

  it('has room for so many, but always for what a vote waits for', async () => {
    const silent = { call: () => new Promise<Uint8Array>(() => undefined), [Symbol.asyncDispose]: () => Promise.resolve() }
    await using admission = new Admission({ ...init, threadsMax: 1, createThread: () => silent })
    const operation = put('a', '1')
    for (let count = 0; count < UNCHECKED_MAX; count++) void admission.admit(operation)
    assert.deepEqual(await admission.admit(operation), { type: 'full' })
    assert.deepEqual(await admission.admitAll([operation]), [])
    assert.equal(admission.waitingCount, UNCHECKED_MAX)
    assert.ok(admission.areValid([operation]) instanceof Promise)
    assert.equal(admission.waitingCount, UNCHECKED_MAX + 1)
  })

  it('asks for no signature where whoever reaches the ledger is trusted', async () => {
    await using admission = new Admission({ ...init, signedOperations: false })
    assert.equal(admission.areValid([forgedOf(put('a', '1'))]), true)
    assert.equal((await admission.admit({ id: 'made up', body: new Uint8Array(200) })).type, 'invalid')
  })
})
