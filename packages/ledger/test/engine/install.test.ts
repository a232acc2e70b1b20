import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pointOf } from '../../src/header.ts'
import { UNAPPLIED_AHEAD_MAX } from '../../src/engine/limits.ts'
import type { InstalledSnapshot } from '../../src/engine/install.ts'
import { BASE, type Seat, table, type Table } from './seats.ts'
import { digestOf } from '../fixtures.ts'

/** A snapshot of the epoch that everybody is in, of a block in `slot`. */
function snapshotAt(t: Table, slot: number, height: number): InstalledSnapshot {
  const point = { ...BASE, digest: digestOf(slot), slot, height }
  return { start: { number: 0, committee: t.committee, base: BASE }, point, stateRoot: digestOf(77), recent: ['old'] }
}

const install = (seat: Seat, snapshot: InstalledSnapshot): void => void seat.step({ type: 'installed', snapshot })

describe('a replica that installs a snapshot', () => {
  it('goes on behind it, and remembers what its state remembers', () => {
    const t = table('cft-3', 3)
    const seat = t.seats[1]!
    install(seat, snapshotAt(t, 500, 400))
    const { final, current, applied, applyNext } = seat.state
    assert.deepEqual([final.slot, final.height, current, applied, applyNext], [500, 400, 501, 400, 401])
    seat.step({ type: 'submit', operation: { id: 'old', body: new Uint8Array(1) } })
    assert.ok(seat.notices().some((notice) => notice.type === 'duplicate' && notice.final))
    // It asks for what follows, from there on.
    seat.fire('resend')
    const asked = seat.effects.flatMap((effect) => (effect.type === 'fetch' && effect.want.type === 'sync' ? [effect.want] : [])).at(-1)
    assert.deepEqual(asked, { type: 'sync', height: 400, slot: 501 })
  })

  it('does not propose or hand on what had its effect in blocks that it never saw', () => {
    const t = table('cft-3', 3)
    const seat = t.seats[1]!
    for (const id of ['old', 'new']) seat.step({ type: 'submit', operation: { id, body: new Uint8Array(1) } })
    seat.hear(2, { type: 'operations', operations: ['old', 'newer'].map((id) => ({ id, body: new Uint8Array(1) })) })
    install(seat, snapshotAt(t, 200, 150))
    const { own, foreign, ids, bytesCount } = seat.state.pool
    assert.deepEqual([own.map(({ id }) => id), foreign.map(({ id }) => id), [...ids]], [['new'], ['newer'], ['new', 'newer']])
    const fresh = table('cft-3', 3).seats[1]!
    for (const id of ['new', 'newer']) fresh.step({ type: 'submit', operation: { id, body: new Uint8Array(1) } })
    assert.equal(bytesCount, fresh.state.pool.bytesCount)
  })

  it('says nothing any more about slots behind it, and stands by what it said about later ones', () => {
    const t = table('cft-3', 3)
    const seat = t.seats[1]!
    // Slot 1 is skipped, so the seat is in slot 2 and has voted in both.
    seat.fire('slot')
    for (const other of [0, 2]) seat.hear(other, t.vote(other, 'first', 1, '00'.repeat(32)))
    seat.sync()
    seat.fire('slot')
    assert.deepEqual(seat.votes(), ['first 1 skip', 'first 2 skip'])
    install(seat, snapshotAt(t, 1, 1))
    assert.equal(seat.state.slots.get(1), undefined)
    assert.equal(seat.state.slots.get(2)?.own.first, '00'.repeat(32))
    seat.fire('slot')
    assert.deepEqual(seat.votes(), ['first 1 skip', 'first 2 skip'])
  })

  it('does not go back, and forgets nothing for a snapshot that it does not need', () => {
    const t = table('cft-3', 3)
    const seat = t.seats[1]!
    install(seat, snapshotAt(t, 500, 400))
    install(seat, snapshotAt(t, 300, 200))
    assert.equal(seat.state.final.height, 400)
  })

  it('halts if what it knows to be final is another block', () => {
    const t = table('single', 1)
    const [seat] = t.seats
    seat!.step({ type: 'submit', operation: { id: 'first', body: new Uint8Array([1]) } })
    seat!.sync()
    assert.equal(seat!.state.final.height, 1)
    assert.equal(seat!.state.applied, 0)
    const own = pointOf(seat!.sent('proposal')[0]?.proposal.header ?? seat!.state.history[0]!.header)
    install(seat!, { ...snapshotAt(t, own.slot, 1), point: own })
    assert.equal(seat!.state.halted, false)
    assert.equal(seat!.state.applied, 1)
    const other = table('single', 1)
    other.seats[0]!.step({ type: 'submit', operation: { id: 'first', body: new Uint8Array([1]) } })
    other.seats[0]!.sync()
    install(other.seats[0]!, snapshotAt(other, own.slot, 1))
    assert.equal(other.seats[0]!.state.halted, true)
  })
})

it('a replica that catches up asks for no more blocks than it can apply soon', () => {
  const t = table('cft-3', 3)
  const seat = t.seats[1]!
  const syncs = (): number => seat.effects.filter((effect) => effect.type === 'fetch' && effect.want.type === 'sync').length
  // Final far ahead of what is applied, as after answers that had headers and whose operations are on their way.
  seat.state.final = { ...seat.state.final, height: UNAPPLIED_AHEAD_MAX + 1, slot: 600 }
  seat.effects = []
  seat.fire('resend')
  assert.equal(syncs(), 0)
  install(seat, snapshotAt(t, 700, UNAPPLIED_AHEAD_MAX + 100))
  assert.equal(syncs(), 1)
})
