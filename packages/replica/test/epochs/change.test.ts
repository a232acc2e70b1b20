import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  checkpointDigest,
  decodeLightProof,
  ed25519Signer,
  ed25519Verifier,
  encodeLightProof,
  followChain,
  type LightState,
  type TrustRoot,
} from '@cairn/ledger'
import { heldKeys } from '../../src/epochs/key-ring.ts'
import { changedCommittee, type CommitteeChange, type NextCommittee } from '../../src/epochs/next-committee.ts'
import { genesisHeader } from '../../src/genesis.ts'
import type { Replica } from '../../src/replica.ts'
import { LEDGER, put, TestReplicas, valueOf } from '../replicas.ts'

const TIMEOUT = { timeout: 60_000 }

/** What the operator of `replica` would let it agree to. */
function nextOf(replica: Replica, change: Partial<CommitteeChange>): NextCommittee {
  const { committee, progress } = replica
  const next = changedCommittee(committee, { remove: [], replace: [], add: [], ...change })
  return { ledger: LEDGER, epoch: progress.epoch, follows: committee.hash, committee: next }
}

/** All operators want `change`, and it is so once all of `seats` are in the next epoch. */
async function change(ledger: TestReplicas, change: Partial<CommitteeChange>): Promise<NextCommittee> {
  const next = nextOf(ledger.running[0]!, change)
  for (const replica of ledger.running) replica.reconfigure(next)
  // What is wanted is forgotten last, when the new epoch is on disk and old keys are erased.
  await ledger.until(() => ledger.running.every(({ progress }) => progress.epoch > next.epoch && progress.wanted === null))
  for (const replica of ledger.running) assert.equal(replica.committee.hash, next.committee.hash)
  return next
}

async function write(replica: Replica, value: string): Promise<void> {
  const outcome = await replica.submit(put('name', value))
  assert.ok(outcome.type === 'final' && outcome.result.type === 'applied', JSON.stringify(outcome))
}

/** Follows the chain from the first block, by nothing but what `replica` hands out, to a checkpoint of `epoch`. */
async function followed(ledger: TestReplicas, replica: Replica, epoch: number): Promise<LightState> {
  await ledger.until(() => replica.lightProof()?.newest.header.epoch === epoch)
  const trusted = genesisHeader(LEDGER, ledger.committee)
  const root: TrustRoot = { ...LEDGER, epoch: 0, committee: ledger.committee.hash, checkpoint: checkpointDigest(trusted), notAfter: 1 }
  return followChain(root, 0, ed25519Verifier(), decodeLightProof(encodeLightProof(replica.lightProof()!)))
}

describe('a committee over sockets', TIMEOUT, () => {
  it('has one of its replicas replaced, and light clients follow', async () => {
    await using ledger = new TestReplicas('cft-3', { overSockets: true, spares: 1, checkpointHeights: 1000 })
    await ledger.startAll()
    const [first, , leaver, joiner] = ledger.running
    for (const value of ['one', 'two', 'three']) await write(first!, value)
    assert.deepEqual([joiner!.progress.seat, joiner!.progress.removedAfter], [null, null])
    await change(ledger, { replace: [{ seat: 2, member: ledger.member(3) }] })
    assert.deepEqual(
      ledger.running.map(({ progress }) => [progress.seat, progress.removedAfter]),
      [
        [0, null],
        [1, null],
        [null, 0],
        [2, null],
      ],
    )
    assert.deepEqual(ledger.keys[2]!.publicKeys, [], 'the key of who left is erased')
    assert.equal(ledger.keys[0]!.publicKeys.length, 1)
    await write(joiner!, 'four')
    await ledger.until(() => valueOf(leaver!, 'name') === 'four')
    // The new committee needs nobody of the old one: two of its three are a quorum, and one of these is new.
    await ledger.stop(2)
    await ledger.stop(1)
    await write(first!, 'five')
    for (const seat of [0, 3]) {
      const { checkpoint, committee } = await followed(ledger, ledger.replicas[seat]!, 1)
      assert.equal(checkpoint.epoch, 1)
      assert.equal(committee.hash, first!.committee.hash)
      // Early in the epoch, wherever in the ledger it began.
      const { epochs, newest } = ledger.replicas[seat]!.lightProof()!
      assert.ok(Number.isInteger(Math.log2(newest.header.height - epochs[0]!.endHeight)))
    }
    const leftAgain = await ledger.start(2)
    await ledger.until(() => valueOf(leftAgain, 'name') === 'five')
    assert.deepEqual([leftAgain.progress.seat, leftAgain.progress.removedAfter], [null, 0])
    assert.deepEqual(ledger.failures, [])
  })
})

describe('a committee', TIMEOUT, () => {
  it('has a key rotated, a seat added and a seat removed, and is restarted after each', async () => {
    await using ledger = new TestReplicas('cft-3', { spares: 1 })
    await ledger.startAll()
    const restart = async (): Promise<void> => {
      for (const seat of [0, 1, 2, 3]) await ledger.stop(seat)
      for (const seat of [0, 1, 2, 3]) await ledger.start(seat)
    }
    await write(ledger.replicas[0]!, 'one')
    const fresh = ed25519Signer(new Uint8Array(32).fill(91))
    const old = ledger.keys[1]!.publicKeys[0]!
    ledger.keys[1] = heldKeys(ledger.keys[1]!.signerOf(old)!, fresh)
    await ledger.stop(1)
    await ledger.start(1)
    await change(ledger, { replace: [{ seat: 1, member: ledger.member(1, fresh) }] })
    assert.deepEqual(ledger.keys[1].publicKeys, [fresh.publicKey])
    assert.equal(ledger.replicas[1]!.progress.seat, 1)
    await write(ledger.replicas[1]!, 'two')
    await restart()
    await change(ledger, { add: [ledger.member(3)] })
    assert.equal(ledger.replicas[3]!.progress.seat, 3)
    await write(ledger.replicas[3]!, 'three')
    await restart()
    await change(ledger, { remove: [0] })
    assert.deepEqual([ledger.replicas[0]!.progress.seat, ledger.replicas[0]!.progress.removedAfter], [null, 2])
    await write(ledger.replicas[2]!, 'four')
    await restart()
    await write(ledger.replicas[3]!, 'five')
    for (const replica of ledger.running)
      assert.equal((await followed(ledger, ledger.replicas[3]!, 3)).checkpoint.epoch, 3, `${replica.height}`)
    // Whoever lost what it kept of the epochs is given it again, believes it, and hands it on.
    await ledger.stop(2)
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(ledger.directoryOf(2), `epochs.db${suffix}`), { force: true })
    const forgetful = await ledger.start(2)
    assert.equal(forgetful.progress.provenEpoch, 0)
    await ledger.until(() => forgetful.progress.provenEpoch === 3)
    assert.equal((await followed(ledger, forgetful, 3)).committee.hash, forgetful.committee.hash)
    // Who comes last is led over all epochs by what the others have on disk, for they have not been through them in this life.
    await ledger.stop(0)
    ledger.wipe(0)
    const late = await ledger.start(0)
    await ledger.until(() => late.progress.epoch === 3 && valueOf(late, 'name') === 'five' && late.progress.provenEpoch === 3)
    assert.deepEqual([late.progress.seat, late.progress.removedAfter], [null, 2])
    assert.deepEqual(ledger.failures, [])
  })

  it('gives a seat whose disk is lost another key, and it votes again', async () => {
    await using ledger = new TestReplicas('cft-3')
    await ledger.startAll()
    await write(ledger.replicas[0]!, 'one')
    await ledger.stop(1)
    ledger.wipe(1)
    // What its key has signed nobody knows any more.
    const fresh = ed25519Signer(new Uint8Array(32).fill(92))
    ledger.keys[1] = heldKeys(fresh)
    const learner = await ledger.start(1)
    assert.equal(learner.progress.seat, null)
    await change(ledger, { replace: [{ seat: 1, member: ledger.member(1, fresh) }] })
    assert.deepEqual([learner.progress.seat, learner.progress.removedAfter], [1, null])
    // It is needed now.
    await ledger.stop(2)
    await write(learner, 'two')
    assert.equal((await followed(ledger, learner, 1)).checkpoint.epoch, 1)
    assert.deepEqual(ledger.failures, [])
  })

  it('changes only as its operators want', async () => {
    await using ledger = new TestReplicas('cft-3', { spares: 1 })
    await ledger.startAll()
    const [replica, second] = ledger.running
    const next = nextOf(replica!, { add: [ledger.member(3)] })
    assert.equal(replica!.reconfigure({ ...next, ledger: { ...LEDGER, chainId: 9 } }), 'other')
    assert.equal(replica!.reconfigure({ ...next, follows: next.committee.hash }), 'other')
    assert.equal(replica!.reconfigure({ ...next, epoch: 1, follows: next.committee.hash }), 'early')
    // One of three is no quorum, and neither is one and who wants to join.
    assert.equal(replica!.reconfigure(next), 'told')
    assert.equal(ledger.replicas[3]!.reconfigure(next), 'told')
    assert.equal(replica!.progress.wanted, next.committee.hash)
    for (const value of ['one', 'two', 'three', 'four']) await write(replica!, value)
    assert.equal(replica!.progress.epoch, 0)
    assert.equal(second!.reconfigure(next), 'told')
    await ledger.until(() => ledger.running.every(({ progress }) => progress.epoch === 1 && progress.wanted === null))
    assert.equal(replica!.reconfigure(next), 'late')
  })

  for (const moment of ['epoch-ended', 'epoch-started'] as const) {
    it(`goes on where it was when each replica crashes when ${moment}, before it does anything about it`, async () => {
      const crashed = new Set<number>()
      const due: number[] = []
      await using ledger: TestReplicas = new TestReplicas('cft-3', {
        spares: 1,
        observe: (seat, event) => {
          if (event.type !== moment || crashed.has(seat)) return
          crashed.add(seat)
          due.push(seat)
          // Silent from here on, in the middle of the step.
          void ledger.replicas[seat]!.stop()
        },
      })
      // No key goes on: if one of a quorum were erased before it signed the end, nobody could ever prove it.
      const fresh = [93, 94].map((key) => ed25519Signer(new Uint8Array(32).fill(key)))
      for (const [index, signer] of fresh.entries()) {
        const keys = ledger.keys[index + 1]!
        ledger.keys[index + 1] = heldKeys(keys.signerOf(keys.publicKeys[0]!)!, signer)
      }
      await ledger.startAll()
      await write(ledger.replicas[0]!, 'one')
      const rotated = fresh.map((signer, index) => ({ seat: index + 1, member: ledger.member(index + 1, signer) }))
      const next = nextOf(ledger.replicas[0]!, { replace: [{ seat: 0, member: ledger.member(3) }, ...rotated] })
      for (const replica of ledger.running) replica.reconfigure(next)
      while (crashed.size < 4 || due.length > 0) {
        await ledger.until(() => due.length > 0)
        const seat = due.shift()!
        await ledger.stop(seat)
        const replica = await ledger.start(seat)
        replica.reconfigure(next)
      }
      await ledger.until(() => ledger.running.every(({ progress }) => progress.epoch === 1 && progress.wanted === null))
      await write(ledger.replicas[3]!, 'two')
      assert.equal((await followed(ledger, ledger.replicas[3]!, 1)).committee.hash, next.committee.hash)
      assert.deepEqual(
        ledger.keys.slice(0, 3).map(({ publicKeys }) => publicKeys),
        [[], ...fresh.map(({ publicKey }) => [publicKey])],
      )
      assert.deepEqual(ledger.failures, [])
    })
  }
})
