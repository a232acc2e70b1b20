import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { signedBytes } from '../../src/envelope.ts'
import { SKIP } from '../../src/votes.ts'
import { LedgerError } from '../../src/errors.ts'
import { type BlockHeader, headerDigest, pointOf } from '../../src/header.ts'
import { EMPTY_PAYLOAD, payloadFacts } from '../../src/payload.ts'
import type { LogRecord, SignedHeader } from '../../src/engine/messages.ts'
import { digestOf, LEDGER } from '../fixtures.ts'
import { type Seat, table, type Table } from './seats.ts'

const operation = { id: 'op', body: new Uint8Array([1]) }

/** The leader of slot 1 proposes one operation; its messages. */
function proposed({ seats }: Table): { readonly leader: Seat; readonly proposal: SignedHeader; readonly digest: string } {
  const leader = seats[0]!
  leader.step({ type: 'submit', operation })
  const { proposal } = leader.sent('proposal')[0]!
  return { leader, proposal, digest: headerDigest(proposal.header) }
}

/** Seat `seat` hears payload and header of slot 1. */
function give(seat: Seat, { leader, proposal }: ReturnType<typeof proposed>): void {
  seat.hear(0, leader.sent('payload')[0]!)
  seat.hear(0, { type: 'proposal', proposal })
}

describe('a slot of four seats, one of which may lie', () => {
  it('R1: a seat first-votes the block once, and lets the vote leave after it and the payload are written', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    seat.hear(0, { type: 'proposal', proposal: slot.proposal })
    assert.deepEqual(seat.votes(), [], 'not without the payload')
    seat.hear(0, slot.leader.sent('payload')[0]!)
    assert.deepEqual(seat.votes(), ['first 1 block'])
    const types = seat.log.map(({ type }) => type)
    assert.ok(types.indexOf('payload') < types.indexOf('vote'))
    const send = seat.effects.find((effect) => effect.type === 'send' && effect.message.type === 'vote')
    const persist = seat.effects.findLast((effect) => effect.type === 'persist')
    assert.equal(send?.type === 'send' && send.after, persist?.type === 'persist' && persist.token)
    seat.hear(0, { type: 'proposal', proposal: slot.proposal })
    seat.fire('slot')
    assert.deepEqual(seat.votes(), ['first 1 block'], 'a timer does not undo it')
  })

  it('R2: a seat skips a leader that says nothing, once', () => {
    const t = table('bft-4', 4)
    const seat = t.seats[1]!
    seat.fire('slot')
    give(seat, proposed(t))
    assert.deepEqual(seat.votes(), ['first 1 skip'])
  })

  it('R3: W first votes for a block allow an extra vote to who skipped', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    seat.fire('slot')
    give(seat, slot)
    seat.hear(0, t.vote(0, 'first', 1, slot.digest))
    assert.deepEqual(seat.votes(), ['first 1 skip'], 'one vote is not W')
    seat.hear(2, t.vote(2, 'extra', 1, slot.digest))
    assert.deepEqual(seat.votes(), ['first 1 skip'], 'extra votes are no evidence')
    seat.hear(0, t.vote(0, 'first', 1, digestOf(9)))
    assert.deepEqual(seat.votes(), ['first 1 skip'], 'nor is one seat twice')
    seat.hear(2, t.vote(2, 'first', 1, slot.digest))
    assert.deepEqual(seat.votes(), ['first 1 skip', 'extra 1 block'])
  })

  it('R4: W first votes outside the strongest block allow an extra vote to skip', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    give(seat, slot)
    seat.sync()
    seat.hear(2, t.vote(2, 'first', 1, SKIP))
    assert.deepEqual(seat.votes(), ['first 1 block'])
    seat.hear(3, t.vote(3, 'first', 1, digestOf(8)))
    assert.deepEqual(seat.votes(), ['first 1 block', 'extra 1 skip'])
  })

  it('R5: a final vote follows notarisation and closes the slot', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    give(seat, slot)
    seat.sync()
    seat.hear(0, t.vote(0, 'first', 1, slot.digest))
    seat.hear(2, t.vote(2, 'extra', 1, slot.digest))
    assert.deepEqual(seat.votes(), ['first 1 block'], 'the fast path may be on its way')
    assert.equal(seat.state.current, 2, 'R6')
    seat.fire('hold')
    assert.deepEqual(seat.votes(), ['first 1 block', 'final 1 block'])
    seat.hear(2, t.vote(2, 'first', 1, SKIP))
    seat.hear(3, t.vote(3, 'first', 1, SKIP))
    assert.equal(seat.votes().length, 2, 'closed')
  })

  it('R5: not after an extra vote', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    give(seat, slot)
    seat.sync()
    seat.hear(2, t.vote(2, 'first', 1, SKIP))
    seat.hear(3, t.vote(3, 'first', 1, SKIP))
    seat.hear(0, t.vote(0, 'first', 1, slot.digest))
    seat.hear(2, t.vote(2, 'extra', 1, slot.digest))
    assert.deepEqual(seat.votes(), ['first 1 block', 'extra 1 skip'])
  })

  it('R7: F first votes, or Q final ones, make the block final; extra votes do not count for F', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const paths = ['fast', 'slow'].map((path) => {
      const seat = path === 'fast' ? t.seats[1]! : t.seats[2]!
      const self = path === 'fast' ? 1 : 2
      give(seat, slot)
      seat.sync()
      const others = [0, 1, 2, 3].filter((each) => each !== self)
      for (const [index, each] of others.entries()) {
        const kind = path === 'slow' && index === 2 ? 'extra' : 'first'
        seat.hear(each, t.vote(each, kind, 1, slot.digest))
      }
      if (path === 'slow') {
        assert.equal(seat.state.final.height, 0)
        seat.fire('hold')
        seat.sync()
        for (const each of others.slice(0, 2)) seat.hear(each, t.vote(each, 'final', 1, slot.digest))
      }
      const final = seat.notices().find(({ type }) => type === 'final')
      return final?.type === 'final' ? final.path : undefined
    })
    assert.deepEqual(paths, ['fast', 'slow'])
  })

  it('R7: a lower final certificate makes its block final as soon as that is here, whatever a higher one lacks', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    const lost = digestOf(9)
    for (const [number, digest] of [
      [1, slot.digest],
      [2, lost],
    ] as const) {
      for (const from of [0, 2, 3]) seat.hear(from, t.vote(from, 'final', number, digest))
    }
    assert.equal(seat.state.pendingFinal?.digest, lost)
    assert.equal(seat.state.final.height, 0)
    give(seat, slot)
    assert.equal(seat.state.final.digest, slot.digest, 'nothing needs to be said again')
    assert.equal(seat.state.pendingFinal?.digest, lost, 'the other one is still waited for')
  })

  it('an own vote counts here only once it is durable', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    give(seat, slot)
    seat.hear(0, t.vote(0, 'first', 1, slot.digest))
    seat.hear(2, t.vote(2, 'first', 1, slot.digest))
    assert.equal(seat.state.current, 1)
    seat.sync()
    assert.equal(seat.state.current, 2)
  })

  it('two votes that no honest seat casts are evidence, told to all, once', () => {
    const t = table('bft-4', 4)
    const seat = t.seats[1]!
    seat.hear(2, t.vote(2, 'first', 1, digestOf(7)))
    seat.hear(2, t.vote(2, 'first', 1, SKIP))
    seat.hear(2, t.vote(2, 'final', 1, digestOf(6)))
    const [told, ...more] = seat.sent('evidence')
    assert.deepEqual(more, [])
    const other = t.seats[3]!
    other.hear(1, told!)
    assert.deepEqual([...other.state.convicted], [2])
    const { evidence } = told!
    if (evidence.type === 'votes') other.hear(1, { type: 'evidence', evidence: { ...evidence, second: { ...evidence.second, seat: 0 } } })
    assert.deepEqual([...other.state.convicted], [2], 'forged evidence convicts nobody')
  })
})

describe('catching up', () => {
  it('asks for the notarisation of a slot that is skipped here', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    give(seat, slot)
    for (const each of [0, 2, 3]) seat.hear(each, t.vote(each, 'first', 1, SKIP))
    assert.equal(seat.state.current, 2)
    const header = { ...slot.proposal.header, slot: 2, parentSlot: 1, parent: slot.digest, height: 2 }
    const signature = t.signers[0]!.sign(signedBytes(LEDGER, 'proposal', 0, 2, headerDigest(header)))
    seat.hear(0, { type: 'proposal', proposal: { header, signature } })
    const asked = seat.effects.flatMap((effect) => (effect.type === 'fetch' ? [effect.want] : []))
    assert.ok(asked.some((want) => want.type === 'slot' && want.slot === 1))
  })
})

describe('a restart', () => {
  it('keeps what was voted, and says it again', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    give(seat, slot)
    seat.sync()
    seat.restart()
    seat.fire('slot')
    assert.deepEqual(seat.votes(), [], 'no other first vote')
    seat.fire('resend')
    seat.fire('resend')
    assert.ok(seat.votes().every((vote) => vote === 'first 1 block') && seat.votes().length > 0)
  })

  it('does not say a vote again whose operations are gone, until they are back', () => {
    const t = table('bft-4', 4)
    const slot = proposed(t)
    const seat = t.seats[1]!
    give(seat, slot)
    seat.sync()
    seat.log.splice(
      seat.log.findIndex(({ type }) => type === 'payload'),
      1,
    )
    seat.restart()
    seat.fire('resend')
    seat.fire('resend')
    assert.deepEqual(seat.votes(), [])
    assert.ok(seat.effects.some((effect) => effect.type === 'fetch' && effect.want.type === 'payload'))
    seat.hear(0, slot.leader.sent('payload')[0]!)
    seat.sync()
    seat.fire('resend')
    seat.fire('resend')
    assert.ok(seat.votes().includes('first 1 block'))
  })

  it('keeps a leader to its proposal', () => {
    const t = table('bft-4', 4)
    const { leader, digest } = proposed(t)
    leader.restart()
    leader.step({ type: 'submit', operation: { id: 'other', body: new Uint8Array([2]) } })
    leader.fire('resend')
    leader.fire('resend')
    assert.ok(leader.sent('proposal').every(({ proposal }) => headerDigest(proposal.header) === digest))
  })

  it('finds what is final in its log, in whatever order that came', () => {
    const t = table('bft-4', 4)
    const { proposal, digest } = proposed(t)
    const seat = t.seats[1]!
    const final = (slot: number, of: string): LogRecord => ({
      type: 'certificate',
      certificate: { kind: 'final', epoch: 0, slot, digest: of, signers: [] },
    })
    // The certificate came before its header, and the header of a later final block did not come at all.
    seat.log.push(final(1, digest), { type: 'block', proposal }, final(2, digestOf(9)))
    seat.restart({ point: pointOf(proposal.header), stateRoot: digestOf(1), recent: [] })
    assert.equal(seat.state.final.height, 1)
    assert.ok(seat.effects.some((effect) => effect.type === 'fetch' && effect.want.type === 'sync'))
    // Nor is it needed for what is below it, in whatever order that came.
    for (const records of [
      [final(2, digestOf(9)), { type: 'block', proposal } as const, final(1, digest)],
      [final(1, digest), final(2, digestOf(9)), { type: 'block', proposal } as const],
    ]) {
      seat.log.splice(0, seat.log.length, ...records)
      seat.restart({ point: pointOf(proposal.header), stateRoot: digestOf(1), recent: [] })
      assert.equal(seat.state.final.height, 1)
    }
  })

  it('checks after a restart what a leader attests of a height before the newest', () => {
    const votesFor = (stateRoot: string): string[] => {
      const t = table('bft-4', 4)
      const seat = t.seats[1]!
      const signed = (header: BlockHeader): SignedHeader => {
        const bytes = signedBytes(LEDGER, 'proposal', 0, header.slot, headerDigest(header))
        return { header, signature: t.signers[0]!.sign(bytes) }
      }
      const child = (header: BlockHeader, over: Partial<BlockHeader> = {}): SignedHeader => {
        const { slot, height, digest } = pointOf(header)
        return signed({ ...header, slot: slot + 1, height: height + 1, parentSlot: slot, parent: digest, ...over })
      }
      const { header } = proposed(t).proposal
      const facts = payloadFacts(EMPTY_PAYLOAD)
      const empty = { payloadRoot: facts.root, payloadBytes: facts.bytesCount, operationsCount: 0 }
      const first = signed({ ...header, ...empty })
      const second = child(first.header)
      const certificate = { kind: 'final', epoch: 0, slot: 2, digest: headerDigest(second.header), signers: [] } as const
      seat.log.push({ type: 'block', proposal: first }, { type: 'block', proposal: second }, { type: 'certificate', certificate })
      const point = pointOf(second.header)
      seat.restart({ point, stateRoot: digestOf(2), roots: new Map([[1, digestOf(1)]]), recent: [] })
      seat.hear(0, { type: 'proposal', proposal: child(second.header, { stateHeight: 1, stateRoot }) })
      return seat.votes()
    }
    assert.deepEqual(votesFor(digestOf(1)), ['first 3 block'])
    assert.deepEqual(votesFor(digestOf(9)), ['first 3 skip'], 'a state that nobody has')
  })

  it('refuses a log that no seat can have written', () => {
    const t = table('bft-4', 4)
    const seat = t.seats[1]!
    give(seat, proposed(t))
    seat.log.push({ type: 'vote', epoch: 0, slot: 1, kind: 'first', digest: SKIP })
    assert.throws(
      () => seat.restart(),
      (error) => error instanceof LedgerError && error.fault.code === 'BAD_RECORDS',
    )
    const state = t.seats[2]!
    const applied = { point: { ...state.state.final, height: 4 }, stateRoot: digestOf(1), recent: [] }
    assert.throws(
      () => state.restart(applied),
      (error) => error instanceof LedgerError && error.fault.code === 'BAD_RECORDS',
    )
  })
})

describe('admission', () => {
  it('queues an operation once, and says so', () => {
    const t = table('bft-4', 4)
    const seat = t.seats[1]!
    seat.step({ type: 'submit', operation })
    seat.step({ type: 'submit', operation })
    const types = seat.notices().flatMap(({ type }) => (type === 'queued' || type === 'duplicate' ? [type] : []))
    assert.deepEqual(types, ['queued', 'duplicate'])
    assert.equal(seat.sent('operations').length, 1, 'sent to the leader once')
  })

  it('refuses with a time to come back before queues grow', () => {
    const t = table('bft-4', 4)
    const seat = t.seats[1]!
    const body = new Uint8Array(200 * 1024)
    for (let index = 0; index < 60; index++) seat.step({ type: 'submit', operation: { id: `op ${index}`, body } })
    const rejected = seat.notices().filter(({ type }) => type === 'rejected')
    assert.ok(rejected.length > 0 && rejected.length < 60)
    assert.ok(rejected.every((notice) => notice.type === 'rejected' && notice.reason === 'pool-full' && notice.retryAfterMs > 0))
    seat.step({ type: 'submit', operation: { id: 'x', body: new Uint8Array(300 * 1024) } })
    const last = seat.notices().at(-1)
    assert.equal(last?.type === 'rejected' && last.reason, 'too-large')
  })
})
