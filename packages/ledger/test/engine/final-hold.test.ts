import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HOLD_PAUSE_SLOTS_MIN } from '../../src/engine/limits.ts'
import { headerDigest } from '../../src/header.ts'
import { SKIP } from '../../src/votes.ts'
import { type Seat, table, type Table } from './seats.ts'

/** The leader's block of its current slot, notarised by the votes of two of three. */
function notarised(t: Table, leader: Seat): { readonly slot: number; readonly digest: string } {
  const slot = leader.state.current
  leader.step({ type: 'submit', operation: { id: `operation ${slot}`, body: new Uint8Array([1]) } })
  const digest = headerDigest(leader.sent('proposal').at(-1)!.proposal.header)
  leader.sync()
  leader.hear(1, t.vote(1, 'first', slot, digest))
  assert.equal(leader.state.current, slot + 1)
  return { slot, digest }
}

function finalVotes(seat: Seat): number {
  return seat.sent('vote').filter(({ vote }) => vote.kind === 'final').length
}

describe('a final vote', () => {
  it('is not cast where the fast path is in time', () => {
    const t = table('cft-3', 3)
    const leader = t.seats[0]!
    for (let count = 0; count < 10; count++) {
      const { slot, digest } = notarised(t, leader)
      leader.hear(2, t.vote(2, 'first', slot, digest))
      assert.equal(leader.state.final.slot, slot)
      leader.fire('hold')
    }
    assert.equal(finalVotes(leader), 0)
  })

  it('waits no longer once first votes differ', () => {
    const t = table('cft-3', 3)
    const leader = t.seats[0]!
    const { slot } = notarised(t, leader)
    assert.equal(finalVotes(leader), 0)
    leader.hear(2, t.vote(2, 'first', slot, SKIP))
    assert.equal(finalVotes(leader), 1)
  })

  it('that comes after the fast path was in time here is answered with the proof, and one that came before as well', () => {
    const t = table('cft-3', 3)
    const leader = t.seats[0]!
    const proofs = (): number[] =>
      leader.sent('certificate').flatMap(({ certificate }) => (certificate.kind === 'fast' ? [certificate.slot] : []))
    const { slot, digest } = notarised(t, leader)
    leader.hear(2, t.vote(2, 'first', slot, digest))
    assert.deepEqual(proofs(), [])
    leader.hear(1, t.vote(1, 'final', slot, digest))
    assert.deepEqual(proofs(), [slot])
    leader.hear(2, t.vote(1, 'final', slot, digest))
    assert.deepEqual(proofs(), [slot], 'only its own seat is told')
    const next = notarised(t, leader)
    leader.hear(1, t.vote(1, 'final', next.slot, next.digest))
    assert.deepEqual(proofs(), [slot])
    leader.hear(2, t.vote(2, 'first', next.slot, next.digest))
    assert.deepEqual(proofs(), [slot, next.slot])
  })

  it('does not wait again for some slots after a wait in vain, and for twice as many after the next', () => {
    const t = table('cft-3', 3)
    const leader = t.seats[0]!
    const waited: boolean[] = []
    for (let count = 0; count < 16; count++) {
      const before = finalVotes(leader)
      const { slot, digest } = notarised(t, leader)
      waited.push(finalVotes(leader) === before)
      leader.fire('hold')
      assert.equal(finalVotes(leader), before + 1)
      leader.sync()
      leader.hear(1, t.vote(1, 'final', slot, digest))
      assert.equal(leader.state.final.slot, slot)
    }
    const pauses = waited.flatMap((each, index) => (each ? [index] : []))
    assert.deepEqual(pauses, [0, HOLD_PAUSE_SLOTS_MIN + 1, 3 * HOLD_PAUSE_SLOTS_MIN + 2])
  })
})
