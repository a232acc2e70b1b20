import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Committee, createCommittee } from '../../src/committee.ts'
import { signedBytes } from '../../src/envelope.ts'
import { signReady } from '../../src/epoch-chain/ready.ts'
import { type BlockHeader, headerDigest, pointOf } from '../../src/header.ts'
import type { Message, SignedHeader } from '../../src/engine/messages.ts'
import { ed25519Signer, type Signer } from '../../src/signing.ts'
import { signVote, SKIP } from '../../src/votes.ts'
import { LEDGER } from '../fixtures.ts'
import { type Seat, table, type Table } from './seats.ts'

describe('the end of an epoch', () => {
  const joiner = ed25519Signer(new Uint8Array(32).fill(99))

  /** The leader names a committee in which seat 3 has a new key, with the word of the joiner and of Q seats. */
  function named(): { readonly t: Table; readonly leader: Seat; readonly next: Committee } {
    const t = table('bft-4', 4)
    const { size, members } = t.committee
    const next = createCommittee(
      size,
      members.map((member, seat) => (seat === 3 ? { ...member, publicKey: joiner.publicKey } : member)),
    )
    const ready = (signer: Signer): Message => ({
      type: 'ready',
      ready: {
        epoch: 0,
        committee: next.hash,
        publicKey: signer.publicKey,
        signature: signReady(LEDGER, signer, 0, next.hash),
      },
    })
    for (const seat of t.seats.slice(0, 3)) {
      seat.step({ type: 'reconfigure', committee: next })
      seat.hear(3, ready(joiner))
    }
    const leader = t.seats[0]!
    assert.deepEqual(leader.sent('proposal'), [], 'not without the word of a quorum')
    for (const seat of [1, 2]) leader.hear(seat, ready(t.signers[seat]!))
    return { t, leader, next }
  }

  /** What `from` answers when it is asked for the committee that `seat` wants. */
  function answered(seat: Seat, from: Seat): Extract<Message, { readonly type: 'committee' }> | undefined {
    const wanted = seat.effects.find((effect) => effect.type === 'fetch' && effect.want.type === 'committee')
    assert.ok(wanted?.type === 'fetch')
    from.hear(3, { type: 'fetch', want: wanted.want })
    return from.sent('committee').at(-1)
  }

  it('is named once joiners and a quorum are ready, and who votes for it has the committee and their words on disk', () => {
    const { t, leader, next } = named()
    const [message] = leader.sent('proposal')
    assert.equal(message?.proposal.header.nextCommittee, next.hash)
    const seat = t.seats[1]!
    seat.hear(0, message)
    assert.deepEqual(seat.votes(), [], 'not by its own wish and the word of who joins')
    seat.hear(0, answered(seat, leader)!)
    assert.deepEqual(seat.votes(), ['first 1 block'])
    for (const { log } of [leader, seat]) {
      const types = log.map(({ type }) => type)
      assert.equal(types.filter((type) => type === 'ready').length, 4)
      assert.ok(types.lastIndexOf('ready') < types.indexOf('committee') && types.indexOf('committee') < types.indexOf('vote'))
    }
  })

  it('is voted for once the last word of the quorum is heard, without being asked for again', () => {
    const { t, leader } = named()
    const seat = t.seats[1]!
    seat.hear(0, leader.sent('proposal')[0]!)
    for (const from of [t.seats[0]!, t.seats[2]!]) for (const message of from.sent('ready')) seat.hear(0, message)
    assert.deepEqual(seat.votes(), ['first 1 block'])
    assert.equal(seat.state.wants.size, 0)
  })

  it('can be voted for by all as soon as one has, after every crash, whatever is wanted next by then', () => {
    const { t, leader } = named()
    const { proposal } = leader.sent('proposal')[0]!
    const [, voter, , seat] = t.seats as [Seat, Seat, Seat, Seat]
    voter.hear(0, { type: 'proposal', proposal })
    voter.hear(0, answered(voter, leader)!)
    // The leader is gone. Nobody else heard of the words, and now operators want something else.
    voter.restart()
    const { size, members } = t.committee
    const other = createCommittee(
      size,
      members.map((member, index) => (index === 3 ? { ...member, peer: 'p9' } : member)),
    )
    voter.step({ type: 'reconfigure', committee: other })
    seat.step({ type: 'reconfigure', committee: other })
    seat.fire('slot')
    seat.hear(1, { type: 'proposal', proposal })
    for (const from of [0, 1]) seat.hear(from, t.vote(from, 'first', 1, headerDigest(proposal.header)))
    assert.deepEqual(seat.votes(), ['first 1 skip'])
    seat.hear(1, answered(seat, voter)!)
    assert.deepEqual(seat.votes(), ['first 1 skip', 'extra 1 block'], 'R3')
  })

  it('is the end of its history also for who does not know the next committee', () => {
    const { t, leader } = named()
    const seat = t.seats[3]!
    const { proposal } = leader.sent('proposal')[0]!
    const end = pointOf(proposal.header)
    const header: BlockHeader = { ...proposal.header, slot: 2, height: 2, parentSlot: 1, parent: end.digest }
    const bytes = signedBytes(LEDGER, 'proposal', 0, 2, headerDigest(header))
    const after: SignedHeader = { header, signature: t.signers[0]!.sign(bytes) }
    for (const each of [proposal, after]) {
      seat.hear(0, { type: 'proposal', proposal: each })
      for (const from of [0, 1, 2]) seat.hear(from, t.vote(from, 'final', each.header.slot, headerDigest(each.header)))
    }
    const finals = seat.notices().flatMap((notice) => (notice.type === 'final' ? [notice.point] : []))
    assert.deepEqual(finals, [end])
  })

  it('is the end of what was voted in it: a vote said to be of the next epoch is none, though its seat keeps its key', () => {
    const { t, leader } = named()
    const seat = t.seats[1]!
    const [message] = leader.sent('proposal')
    assert.ok(message !== undefined)
    seat.hear(0, message)
    seat.hear(0, answered(seat, leader)!)
    for (const from of [0, 2, 3]) seat.hear(from, t.vote(from, 'final', 1, headerDigest(message.proposal.header)))
    seat.sync()
    assert.equal(seat.state.epoch.number, 1)
    seat.fire('slot')
    seat.sync()
    assert.deepEqual(seat.votes(), ['first 1 block', 'first 2 skip'])
    const said = (from: number, epoch: number): Message => {
      const vote = signVote(LEDGER, t.signers[from]!, { kind: 'first', epoch, slot: 2, digest: SKIP, seat: from })
      return { type: 'vote', vote: { ...vote, epoch: 1 } }
    }
    for (const from of [0, 2]) seat.hear(from, said(from, 0))
    assert.equal(seat.state.current, 2, 'with its own vote they would be a quorum')
    for (const from of [0, 2]) seat.hear(from, said(from, 1))
    assert.equal(seat.state.current, 3)
  })

  it('is learnt of from a quorum by who was not told', () => {
    const { t, leader, next } = named()
    const seat = t.seats[3]!
    seat.hear(0, leader.sent('proposal')[0]!)
    assert.deepEqual(seat.votes(), [], 'not on the word of the leader')
    const answer = answered(seat, leader)!
    seat.hear(0, { ...answer, readies: answer.readies.slice(0, 3) })
    assert.deepEqual(seat.votes(), [], 'a quorum and all that join')
    seat.hear(0, answer)
    assert.deepEqual(seat.votes(), ['first 1 block'])
    assert.ok(seat.log.some((entry) => entry.type === 'committee' && entry.committee.hash === next.hash))
  })
})
