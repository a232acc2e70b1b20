import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { verifyKey } from '@cairn/ledger'
import { put, TestReplicas, valueOf } from './replicas.ts'

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
