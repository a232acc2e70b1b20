import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Committee, createCommittee } from '../../src/committee.ts'
import { ZERO_DIGEST } from '../../src/digest.ts'
import { signedBytes } from '../../src/envelope.ts'
import { COMMITTEES_NAMED_MAX } from '../../src/engine/limits.ts'
import { standingRecords } from '../../src/engine/named-committees.ts'
import { signReady } from '../../src/epoch-chain/ready.ts'
import { type BlockHeader, headerDigest } from '../../src/header.ts'
import { EMPTY_PAYLOAD, payloadFacts } from '../../src/payload.ts'
import { SKIP } from '../../src/votes.ts'
import { LEDGER } from '../fixtures.ts'
import { Seat, table, type Table } from './seats.ts'

// Goal: a seat never votes for a block whose next committee it does not have on disk, also if operators change their minds more often than it
// keeps committees; and neither that nor a slot in which only some had room stops anything.
// Method: the leader of a bft-4 names another committee in each slot, each with the word of a quorum, and every slot is skipped by the others.

/** One after the other, each with a machine moved: nobody joins, so seats alone make it ready. */
function wish({ committee: { size, members } }: Table, index: number): Committee {
  return createCommittee(
    size,
    members.map((member, seat) => (seat === 3 ? { ...member, peer: `moved-${index}` } : member)),
  )
}

/** The seat hears that a quorum wants `next`, and wants it too. */
function convince(t: Table, seat: Seat, next: Committee): void {
  seat.step({ type: 'reconfigure', committee: next })
  for (const from of [0, 2, 3]) {
    const signer = t.signers[from]!
    const signature = signReady(LEDGER, signer, 0, next.hash)
    seat.hear(from, { type: 'ready', ready: { epoch: 0, committee: next.hash, publicKey: signer.publicKey, signature } })
  }
}

/** The leader's header in `slot`, on what is final. */
function propose(t: Table, seat: Seat, slot: number, nextCommittee: string): string {
  const parent = seat.state.final
  const { root, bytesCount } = payloadFacts(EMPTY_PAYLOAD)
  const header: BlockHeader = {
    epoch: 0,
    slot,
    height: parent.height + 1,
    parentSlot: parent.slot,
    parent: parent.digest,
    payloadRoot: root,
    payloadBytes: bytesCount,
    operationsCount: 0,
    time: 0,
    policyRoot: ZERO_DIGEST,
    stateHeight: 0,
    stateRoot: ZERO_DIGEST,
    nextCommittee,
  }
  const digest = headerDigest(header)
  const signature = t.signers[0]!.sign(signedBytes(LEDGER, 'proposal', 0, slot, digest))
  seat.hear(0, { type: 'proposal', proposal: { header, signature } })
  return digest
}

/** The others skip `slot`. */
function skip(t: Table, seat: Seat, slot: number): void {
  for (const from of [0, 2, 3]) seat.hear(from, t.vote(from, 'first', slot, SKIP))
  assert.equal(seat.state.current, slot + 1)
}

/** A seat that has voted, in one open slot after the other, for as many next committees as it keeps. */
function full(): { readonly t: Table; readonly seat: Seat; readonly slot: number } {
  const t = table('bft-4', 4)
  const { init } = t.seats[1]!
  // Its patience with the leader is no matter here.
  const seat = new Seat({ ...init, settings: { ...init.settings, inactiveSlots: 1000 } })
  seat.step({ type: 'start' })
  for (let slot = 1; slot <= COMMITTEES_NAMED_MAX; slot++) {
    const next = wish(t, slot)
    convince(t, seat, next)
    propose(t, seat, slot, next.hash)
    assert.equal(seat.votes().at(-1), `first ${slot} block`)
    skip(t, seat, slot)
  }
  return { t, seat, slot: COMMITTEES_NAMED_MAX + 1 }
}

function isOnDisk({ log }: Seat, { hash }: Committee): boolean {
  const at = log.findIndex((entry) => entry.type === 'committee' && entry.committee.hash === hash)
  const words = log.slice(0, at).filter((entry) => entry.type === 'ready' && entry.ready.committee === hash)
  return at >= 0 && words.length >= 3
}

describe('a seat that keeps as many next committees as it may', () => {
  it('votes for no further one, names none itself, and skips the slot in time', () => {
    const { t, seat, slot } = full()
    const next = wish(t, slot)
    convince(t, seat, next)
    propose(t, seat, slot, next.hash)
    assert.equal(isOnDisk(seat, next), false)
    assert.ok(!seat.votes().some((vote) => vote.startsWith(`first ${slot} `)), 'what a crash would lose is not voted for')
    seat.fire('slot')
    assert.equal(seat.votes().at(-1), `first ${slot} skip`)
    skip(t, seat, slot)
    // Its own term: it wants the committee, a quorum does, and yet it proposes without.
    while (seat.sent('proposal').length === 0) {
      const { current } = seat.state
      if (current > 3 * seat.init.settings.termSlots) assert.fail('it proposes nothing in its term')
      if (current <= seat.init.settings.termSlots) skip(t, seat, current)
      else seat.fire('propose')
    }
    assert.equal(seat.sent('proposal')[0]?.proposal.header.nextCommittee, ZERO_DIGEST)
  })

  it('votes for what W others have voted for, with it on disk, or the slot might stay open', () => {
    const { t, seat, slot } = full()
    const next = wish(t, slot)
    convince(t, seat, next)
    seat.fire('slot')
    const digest = propose(t, seat, slot, next.hash)
    seat.hear(0, t.vote(0, 'first', slot, digest))
    assert.equal(seat.votes().at(-1), `first ${slot} skip`)
    seat.hear(2, t.vote(2, 'first', slot, digest))
    assert.equal(seat.votes().at(-1), `extra ${slot} block`)
    assert.ok(isOnDisk(seat, next))
  })

  it('has room again as soon as a block is final, and the log need not hold the others any more', () => {
    const { t, seat, slot } = full()
    assert.equal(standingRecords(seat.state).filter(({ type }) => type === 'committee').length, COMMITTEES_NAMED_MAX)
    const digest = propose(t, seat, slot, ZERO_DIGEST)
    for (const from of [0, 2, 3]) seat.hear(from, t.vote(from, 'first', slot, digest))
    for (const from of [0, 2, 3]) seat.hear(from, t.vote(from, 'final', slot, digest))
    assert.equal(seat.state.final.slot, slot)
    assert.deepEqual([seat.state.named.length, standingRecords(seat.state).length], [0, 0])
    const { candidate } = seat.state
    assert.deepEqual(
      [...seat.state.readies.keys()].filter((key) => !key.startsWith(candidate?.hash ?? '')),
      [],
      'words for what nobody names',
    )
    const next = wish(t, slot + 1)
    convince(t, seat, next)
    propose(t, seat, slot + 1, next.hash)
    assert.equal(seat.votes().at(-1), `first ${slot + 1} block`)
    assert.ok(isOnDisk(seat, next))
    seat.restart()
    assert.deepEqual(
      seat.state.named.map(({ hash }) => hash),
      [next.hash],
    )
  })

  it('keeps after a restart those that open blocks name', () => {
    const { t, seat, slot } = full()
    seat.restart()
    assert.deepEqual(
      seat.state.named.map(({ hash }) => hash),
      Array.from({ length: slot - 1 }, (_, index) => wish(t, index + 1).hash),
    )
  })

  it('leaves nothing behind of what one seat says of committees that it invented', () => {
    const t = table('bft-4', 4)
    const seat = t.seats[1]!
    const liar = t.signers[0]!
    const committee = wish(t, 1)
    propose(t, seat, 1, committee.hash)
    assert.ok(seat.state.wants.has(committee.hash))
    const ready = { epoch: 0, committee: committee.hash, publicKey: liar.publicKey, signature: signReady(LEDGER, liar, 0, committee.hash) }
    seat.hear(0, { type: 'committee', committee, readies: [ready] })
    assert.equal(seat.state.readies.size, 0)
  })
})
