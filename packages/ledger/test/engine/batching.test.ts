import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FORWARD_OPERATIONS_MAX } from '../../src/engine/limits.ts'
import { headerDigest } from '../../src/header.ts'
import { type Seat, table, type Table } from './seats.ts'

/** The leader's block of slot 1 is certified by two of three votes, and not final before the third or a quorum of final votes. */
function certified(t: Table): { readonly leader: Seat; readonly digest: string } {
  const leader = t.seats[0]!
  leader.step({ type: 'submit', operation: { id: 'first', body: new Uint8Array([1]) } })
  const digest = headerDigest(leader.sent('proposal')[0]!.proposal.header)
  leader.sync()
  leader.hear(1, t.vote(1, 'first', 1, digest))
  assert.equal(leader.state.current, 2)
  assert.equal(leader.state.final.slot, 0)
  return { leader, digest }
}

/** Operations of each block proposed so far. */
function blocks(leader: Seat): readonly number[] {
  return leader.sent('proposal').map(({ proposal }) => proposal.header.operationsCount)
}

const more = { type: 'submit', operation: { id: 'more', body: new Uint8Array([2]) } } as const

describe('a leader whose block is certified and not final', () => {
  it('proposes nothing on top of it when it becomes final, and has no operations', () => {
    const t = table('cft-3', 3)
    const { leader, digest } = certified(t)
    assert.deepEqual(blocks(leader), [1])
    leader.hear(2, t.vote(2, 'first', 1, digest))
    assert.equal(leader.state.final.slot, 1)
    assert.deepEqual(blocks(leader), [1])
  })

  it('keeps what comes until it is final', () => {
    const t = table('cft-3', 3)
    const { leader, digest } = certified(t)
    leader.step(more)
    assert.deepEqual(blocks(leader), [1])
    leader.hear(2, t.vote(2, 'first', 1, digest))
    assert.deepEqual(blocks(leader), [1], 'the first client may come back in time')
    leader.fire('propose')
    assert.deepEqual(blocks(leader), [1, 1])
  })

  it('gathers as many as there were, and no longer', () => {
    const t = table('cft-3', 3)
    const { leader, digest } = certified(t)
    leader.step(more)
    leader.hear(2, t.vote(2, 'first', 1, digest))
    leader.step({ type: 'submit', operation: { id: 'yet more', body: new Uint8Array([3]) } })
    assert.deepEqual(blocks(leader), [1, 2])
  })

  it('waits for nobody after the one operation of the only client', () => {
    const t = table('cft-3', 3)
    const { leader, digest } = certified(t)
    leader.hear(2, t.vote(2, 'first', 1, digest))
    leader.step(more)
    assert.deepEqual(blocks(leader), [1, 1])
  })

  it('does not forget what it waits for when an ancestor becomes final', () => {
    const t = table('cft-3', 3)
    const { leader, digest } = certified(t)
    leader.step(more)
    leader.fire('propose')
    assert.deepEqual(blocks(leader), [1, 1])
    leader.sync()
    const second = headerDigest(leader.sent('proposal')[1]!.proposal.header)
    leader.hear(1, t.vote(1, 'first', 2, second))
    leader.step({ type: 'submit', operation: { id: 'yet more', body: new Uint8Array([3]) } })
    leader.hear(2, t.vote(2, 'first', 1, digest))
    assert.equal(leader.state.final.slot, 1)
    leader.fire('propose')
    assert.deepEqual(blocks(leader), [1, 1, 1], 'on top of what is not final')
  })

  it('waits a moment only, and for operations not long', () => {
    const t = table('cft-3', 3)
    const { leader } = certified(t)
    leader.fire('propose')
    assert.deepEqual(blocks(leader), [1], 'nothing to propose')
    leader.step(more)
    assert.deepEqual(blocks(leader), [1, 1])
    const other = certified(table('cft-3', 3)).leader
    other.fire('propose')
    other.fire('propose')
    assert.deepEqual(blocks(other), [1, 0])
  })
})

describe('an operation that was lost on its way to the leader', () => {
  it('is sent again, even where others become final', () => {
    const t = table('cft-3', 3)
    const seat = t.seats[1]!
    seat.step({ type: 'submit', operation: { id: 'lost', body: new Uint8Array([1]) } })
    const sent = (): number => seat.sent('operations').length
    assert.equal(sent(), 1)
    for (const [round, expected] of [1, 2].entries()) {
      // Whatever became final meanwhile.
      seat.state.lastProgress = `before ${round}`
      seat.fire('resend')
      assert.equal(sent(), expected)
    }
  })

  it('is sent again with those around it, and not with all that waits behind them', () => {
    const t = table('cft-3', 3)
    const seat = t.seats[1]!
    for (let id = 0; id < 3 * FORWARD_OPERATIONS_MAX; id++)
      seat.step({ type: 'submit', operation: { id: `${id}`, body: new Uint8Array([1]) } })
    const sent = (): string[] => seat.sent('operations').flatMap(({ operations }) => operations.map(({ id }) => id))
    const before = sent().length
    for (const round of [0, 1]) {
      seat.state.lastProgress = `before ${round}`
      seat.fire('resend')
    }
    const again = sent().slice(before)
    assert.equal(again.length, FORWARD_OPERATIONS_MAX)
    assert.equal(again[0], '0')
  })
})
