import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FINAL_AGE_MS_MAX, type ReplicaLoad, readinessOf, UNAPPLIED_HEIGHTS_MAX } from '../src/load.ts'
import { put, TestReplicas } from './replicas.ts'

const EMPTY = { messages: 0, bytes: 0 }
const HEALTHY: ReplicaLoad = {
  epoch: 0,
  slot: 101,
  seat: 0,
  finalHeight: 100,
  appliedHeight: 100,
  checkpointHeight: 64,
  finalAgeMs: 10,
  isHalted: false,
  poolOperations: 0,
  poolBytes: 0,
  operationsUnchecked: 0,
  clientsWaiting: 0,
  readersWaiting: 0,
  sendsHeld: 0,
  blocksUnapplied: 0,
  links: { consensus: EMPTY, 'catch-up': EMPTY, payload: EMPTY, checkpoint: EMPTY, read: EMPTY, epoch: EMPTY },
  seats: [],
}

describe('readiness of a replica', () => {
  it('is serving fresh state', () => assert.equal(readinessOf(HEALTHY).ready, true))

  for (const [why, change] of Object.entries({
    halted: { isHalted: true },
    'nothing final yet': { finalHeight: 0, appliedHeight: 0 },
    'behind with applying': { appliedHeight: 100 - UNAPPLIED_HEIGHTS_MAX - 1 },
    'behind or cut off': { finalAgeMs: FINAL_AGE_MS_MAX + 1 },
  } satisfies Record<string, Partial<ReplicaLoad>>)) {
    it(`is not there when ${why}`, () => {
      const { ready, reason } = readinessOf({ ...HEALTHY, ...change })
      assert.equal(ready, false)
      assert.notEqual(reason, '')
    })
  }
})

describe('what replicas report', { timeout: 60_000 }, () => {
  it('has the latency of each block, of each submission, and of the disk, and how far everybody is', async () => {
    await using ledger = new TestReplicas('cft-3')
    await ledger.startAll()
    for (let index = 0; index < 5; index++) await ledger.replicas[index % 3]!.submit(put(`key ${index}`, 'x'))
    await ledger.until(() => ledger.running.every(({ load }) => load.appliedHeight > 0 && readinessOf(load).ready))
    const ofType = (type: string): readonly Record<string, unknown>[] => ledger.events.filter((event) => event.type === type)
    assert.equal(ofType('answered').filter(({ outcome }) => outcome === 'final').length, 5)
    assert.ok(ofType('finality').length >= 3)
    for (const { durationMs } of [...ofType('finality'), ...ofType('synced')]) assert.ok(Number(durationMs) >= 0)
    assert.ok(ofType('proposal-seen').length > 0)
    for (const { leader } of ofType('proposal-seen')) assert.ok(Number(leader) >= 0 && Number(leader) < 3)
    assert.ok(ofType('sent').length > 0 && ofType('received').length > 0)
    const { seats, seat } = ledger.running[1]!.load
    assert.equal(seat, 1)
    assert.deepEqual(
      seats.map((each) => [each.seat, each.isSelf]),
      [
        [0, false],
        [1, true],
        [2, false],
      ],
    )
    await ledger.stop(2)
    const [first] = ledger.running
    const behind = (index: number): number => first!.load.seats[index]?.behindSlots ?? 0
    await ledger.until(() => behind(2) > 3)
    assert.ok(behind(1) < behind(2))
  })
})
