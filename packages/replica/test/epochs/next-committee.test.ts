import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCommittee, ed25519Signer, LedgerError, type Member, PRESETS } from '@cairn/ledger'
import { changedCommittee, type CommitteeChange, decodeNextCommittee, encodeNextCommittee } from '../../src/epochs/next-committee.ts'
import { ReplicaError } from '../../src/errors.ts'
import { LEDGER } from '../replicas.ts'

const member = (key: number, peer = `peer ${key}`): Member => ({
  peer,
  publicKey: ed25519Signer(new Uint8Array(32).fill(key)).publicKey,
  role: 'full',
})
const COMMITTEE = createCommittee(
  PRESETS['cft-3'],
  [1, 2, 3].map((key) => member(key)),
)

describe('a change of the committee', () => {
  const peersAfter = (change: Partial<CommitteeChange>): readonly string[] =>
    changedCommittee(COMMITTEE, { remove: [], replace: [], add: [], ...change }).members.map(({ peer }) => peer)

  it('keeps the order of those who stay, and as many may fail as before', () => {
    assert.deepEqual(peersAfter({ replace: [{ seat: 1, member: member(9) }] }), ['peer 1', 'peer 9', 'peer 3'])
    assert.deepEqual(peersAfter({ add: [member(4)], remove: [0] }), ['peer 2', 'peer 3', 'peer 4'])
    const { size } = changedCommittee(COMMITTEE, { remove: [], replace: [], add: [member(4)] })
    assert.deepEqual(size, { n: 4, f: 0, c: 1, p: 0 })
  })

  it('takes another size where it is named, if the seats are as many', () => {
    const add = [4, 5].map((key) => member(key))
    const change = { remove: [], replace: [], add }
    assert.deepEqual(changedCommittee(COMMITTEE, { ...change, size: PRESETS['cft-5'] }).size, PRESETS['cft-5'])
    for (const bad of [
      { ...change, size: PRESETS['bft-4'] },
      { ...change, add: [], remove: [0] },
      { ...change, add: [member(4, 'peer 1')] },
    ]) {
      assert.throws(
        () => changedCommittee(COMMITTEE, bad),
        (error) => error instanceof LedgerError && error.fault.code === 'BAD_COMMITTEE',
      )
    }
  })
})

describe('what an operator writes', () => {
  const next = {
    ledger: LEDGER,
    epoch: 4,
    follows: COMMITTEE.hash,
    committee: changedCommittee(COMMITTEE, { remove: [], replace: [], add: [member(4)] }),
  }

  it('comes back as it was', () => {
    assert.deepEqual(decodeNextCommittee(encodeNextCommittee(next), 'next.json'), next)
  })

  it('is refused where it is anything else', () => {
    const written = JSON.parse(encodeNextCommittee(next)) as Record<string, unknown>
    const isRefused = (error: unknown): boolean =>
      (error instanceof ReplicaError && error.fault.code === 'BAD_LEDGER_FILE') ||
      (error instanceof LedgerError && error.fault.code === 'BAD_COMMITTEE')
    for (const name of Object.keys(written)) {
      for (const value of [undefined, null, 'x', 1.5, [], {}]) {
        const text = JSON.stringify({ ...written, [name]: value })
        // Of another ledger or after another committee is well-formed, and counts nothing where it is read.
        if (value === 'x' && (name === 'networkId' || name === 'follows')) continue
        assert.throws(() => decodeNextCommittee(text, 'next.json'), isRefused, text)
      }
    }
    for (const text of ['', '{', 'null', '7']) assert.throws(() => decodeNextCommittee(text, 'next.json'), isRefused)
  })
})
