import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { checkpointDigest, decodeLightProof, ed25519Verifier, encodeLightProof, followChain, verifyKey } from '@cairn/ledger'
import { genesisHeader } from '../src/genesis.ts'
import { LEDGER, put, TestReplicas, valueOf } from './replicas.ts'

const TIMEOUT = { timeout: 60_000 }

describe('a replica alone', TIMEOUT, () => {
  it('makes operations final, and answers what they did', async () => {
    await using ledger = new TestReplicas('single')
    await ledger.startAll()
    const [replica] = ledger.running
    const first = put('name', 'one')
    const outcome = await replica!.submit(first)
    assert.deepEqual(outcome, { type: 'final', result: { type: 'applied', height: replica!.height, isRepeat: false } })
    assert.equal(valueOf(replica!, 'name'), 'one')
    const { stateRoot, proof } = replica!.readLocal(Buffer.from('name'))
    assert.equal(Buffer.from(verifyKey(stateRoot, Buffer.from('\u0001name'), proof) ?? []).toString(), 'one')
    const again = await replica!.submit(first)
    assert.ok(again.type === 'final' && again.result.type === 'applied' && again.result.isRepeat)
    const forged = put('name', 'two')
    forged.body[40]! ^= 1
    assert.equal((await replica!.submit(forged)).type, 'invalid')
    assert.equal((await replica!.submit(put('name', 'two'), AbortSignal.abort())).type, 'unknown')
  })

  it('goes on after a restart where it was', async () => {
    await using ledger = new TestReplicas('single')
    await ledger.startAll()
    for (let index = 0; index < 20; index++) await ledger.replicas[0]!.submit(put(`key ${index}`, `${index}`))
    const { height, stateRoot } = ledger.replicas[0]!
    await ledger.stop(0)
    const replica = await ledger.start(0)
    assert.equal(replica.height, height)
    assert.equal(replica.stateRoot, stateRoot)
    const outcome = await replica.submit(put('more', 'x'))
    assert.ok(outcome.type === 'final' && outcome.result.type === 'applied' && outcome.result.height > height)
    for (let index = 0; index < 20; index++) assert.equal(valueOf(replica, `key ${index}`), `${index}`)
  })
})

for (const overSockets of [false, true]) {
  describe(`three replicas ${overSockets ? 'over sockets' : 'in memory'}`, TIMEOUT, () => {
    it('agree, go on without one of them, and take it back', async () => {
      await using ledger = new TestReplicas('cft-3', { overSockets })
      await ledger.startAll()
      const submitted = Array.from({ length: 30 }, (_, index) => ledger.replicas[index % 3]!.submit(put(`key ${index}`, `${index}`)))
      for (const outcome of await Promise.all(submitted)) assert.ok(outcome.type === 'final' && outcome.result.type === 'applied')
      await ledger.stop(2)
      for (let index = 30; index < 40; index++) {
        const outcome = await ledger.replicas[index % 2]!.submit(put(`key ${index}`, `${index}`))
        assert.equal(outcome.type, 'final')
      }
      const back = await ledger.start(2)
      await ledger.until(
        () =>
          valueOf(back, 'key 39') === '39' &&
          valueOf(ledger.replicas[0]!, 'key 39') === '39' &&
          valueOf(ledger.replicas[1]!, 'key 39') === '39',
      )
      for (const replica of ledger.running)
        for (let index = 0; index < 40; index++) assert.equal(valueOf(replica, `key ${index}`), `${index}`)
      assert.deepEqual(ledger.failures, [])
    })
  })
}

describe('checkpoints', TIMEOUT, () => {
  it('are certified, believed by a light client, and let the log forget', async () => {
    await using ledger = new TestReplicas('cft-3')
    await ledger.startAll()
    const large = 'x'.repeat(3000)
    for (let round = 0; round < 80; round++) {
      const puts = Array.from({ length: 3 }, (_, index) => put(`key ${round % 10}/${index}`, `${round} ${large}`))
      await Promise.all(puts.map((operation, index) => ledger.replicas[index]!.submit(operation)))
    }
    for (const [seat, replica] of ledger.running.entries()) {
      await ledger.until(() => (replica.checkpoint?.header.height ?? 0) >= 72)
      const first = ledger.segments(seat).toSorted()[0] ?? ''
      assert.ok(Number.parseInt(first, 10) > 1, `${first} is the first segment`)
    }
    const [replica] = ledger.running
    const proof = decodeLightProof(encodeLightProof(replica!.lightProof()!))
    const trusted = genesisHeader(LEDGER, ledger.committee)
    const root = { ...LEDGER, epoch: 0, committee: ledger.committee.hash, checkpoint: checkpointDigest(trusted), notAfter: 1 }
    const { checkpoint } = followChain(root, 0, ed25519Verifier(), proof)
    assert.ok(checkpoint.height >= 72)
    // What is behind the checkpoint is gone, and a replica starts from what is left.
    await ledger.stop(1)
    await ledger.stop(2)
    await ledger.stop(0)
    await ledger.start(0)
    await ledger.start(1)
    const outcome = await ledger.replicas[1]!.submit(put('after', 'all'))
    assert.ok(outcome.type === 'final' && outcome.result.type === 'applied' && outcome.result.height > 72)
    const last = await ledger.start(2)
    await ledger.until(() => valueOf(last, 'after') === 'all')
    assert.deepEqual(ledger.failures, [])
  })
})
