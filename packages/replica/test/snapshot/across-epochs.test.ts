import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ed25519Signer } from '@cairn/ledger'
import { heldKeys } from '../../src/epochs/key-ring.ts'
import { changedCommittee, type CommitteeChange } from '../../src/epochs/next-committee.ts'
import type { Replica } from '../../src/replica.ts'
import { LEDGER, put, TestReplicas, valueOf } from '../replicas.ts'

const FEW = { checkpointHeights: 8, heightsKept: 16, spares: 1 }
/** Blocks after which those before are neither in memory nor on the disk of those who made them. */
const OUT_OF_REACH = 110

/** All that run want `change`, and are in the next epoch when this resolves. */
async function change(ledger: TestReplicas, change: Partial<CommitteeChange>): Promise<void> {
  const { committee, progress } = ledger.running[0]!
  const next = changedCommittee(committee, { remove: [], replace: [], add: [], ...change })
  for (const replica of ledger.running)
    replica.reconfigure({ ledger: LEDGER, epoch: progress.epoch, follows: committee.hash, committee: next })
  await ledger.until(() => ledger.running.every((each) => each.progress.epoch > progress.epoch && each.progress.wanted === null))
}

async function write(replica: Replica, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const outcome = await replica.submit(put(`key ${index % 20}`, `${index} ${'x'.repeat(500)}`))
    assert.equal(outcome.type, 'final')
  }
}

/** While replica 2 is away, seat 0 gets another key and machine 3 seat `given`; then all of that is out of reach for blocks. */
async function changeWithout2(ledger: TestReplicas, given: number): Promise<void> {
  const fresh = ed25519Signer(new Uint8Array(32).fill(95))
  const keys = ledger.keys[0]!
  ledger.keys[0] = heldKeys(keys.signerOf(keys.publicKeys[0]!)!, fresh)
  await ledger.startAll()
  await write(ledger.replicas[0]!, 3)
  await ledger.replicas[2]!.submit(put('early', 'one'))
  await ledger.stop(2)
  await ledger.stop(0)
  await ledger.start(0)
  await change(ledger, { replace: [{ seat: 0, member: ledger.member(0, fresh) }] })
  await write(ledger.replicas[0]!, 10)
  await change(ledger, { replace: [{ seat: given, member: ledger.member(3) }] })
  await write(ledger.replicas[0]!, OUT_OF_REACH)
}

/** What `late` must have in common with `other` once it is at the tip. */
async function agrees(ledger: TestReplicas, late: Replica, other: Replica): Promise<void> {
  const roots = new Set<string>()
  await ledger.until(() => {
    if (late.progress.epoch !== other.progress.epoch || late.height !== other.height) return false
    for (const { stateRoot } of [late, other]) roots.add(stateRoot)
    return true
  })
  assert.equal(roots.size, 1)
  assert.equal(late.committee.hash, other.committee.hash)
  assert.equal(valueOf(late, 'key 19'), valueOf(other, 'key 19'))
}

const installs = (ledger: TestReplicas): number => ledger.events.filter(({ type }) => type === 'snapshot-installed').length

// Goal: whoever was in one epoch when it left, and finds the blocks of that and of the next gone, is in the newest epoch by a state alone: with
// its committee, its own seat or none, its keys and the state's root, also after a restart from what it has then; and what it signs counts.
describe('a state two epochs later', { timeout: 120_000 }, () => {
  it('brings a seat to the committee that it is in by now, where it is needed for a quorum', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await changeWithout2(ledger, 1)
    const own = ledger.keys[2]!.publicKeys
    const late = await ledger.start(2)
    await ledger.until(() => installs(ledger) > 0)
    await agrees(ledger, late, ledger.replicas[0]!)
    assert.deepEqual([late.progress.epoch, late.progress.seat, late.progress.removedAfter], [2, 2, null])
    assert.deepEqual(ledger.keys[2]!.publicKeys, own)
    // Of the committee's three only it and the one with the new key are there.
    await ledger.stop(1)
    await ledger.stop(3)
    assert.equal((await late.submit(put('after', 'all'))).type, 'final')
    await ledger.stop(2)
    const again = await ledger.start(2)
    assert.deepEqual([again.progress.epoch, again.progress.seat], [2, 2])
    assert.equal(valueOf(again, 'early'), 'one')
    assert.equal((await again.submit(put('again', 'x'))).type, 'final')
    await agrees(ledger, again, ledger.replicas[0]!)
    // Light clients are led over the epochs by it, too.
    await ledger.until(() => again.progress.provenEpoch === 2 && again.lightProof()?.newest.header.epoch === 2)
    assert.deepEqual(ledger.failures, [])
  })

  it('tells a replica that it was removed, and takes its key', async () => {
    await using ledger = new TestReplicas('cft-3', FEW)
    await changeWithout2(ledger, 2)
    assert.equal(ledger.keys[2]!.publicKeys.length, 1)
    const late = await ledger.start(2)
    await ledger.until(() => installs(ledger) > 0)
    await agrees(ledger, late, ledger.replicas[0]!)
    assert.equal(late.progress.seat, null)
    // It is shown how the epochs in between ended, of one of which it never heard.
    await ledger.until(() => late.progress.removedAfter === 1)
    assert.deepEqual(ledger.keys[2]!.publicKeys, [])
    await ledger.stop(2)
    const again = await ledger.start(2)
    await write(ledger.replicas[0]!, 3)
    await agrees(ledger, again, ledger.replicas[0]!)
    assert.deepEqual([again.progress.epoch, again.progress.seat, again.progress.removedAfter], [2, null, 1])
    assert.deepEqual(ledger.failures, [])
  })
})
