import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isStatementSigned, signStatement } from '../../src/checkpoint/quorum-signature.ts'
import { createCommittee } from '../../src/committee.ts'
import { epochStatement, type EpochRecord, verifyEpochRecord } from '../../src/epoch-chain/epoch-record.ts'
import { gatherEpochRecord, openEpochRecord } from '../../src/epoch-chain/gathering.ts'
import type { EpochStart, Ready } from '../../src/engine/messages.ts'
import { LedgerError } from '../../src/errors.ts'
import { ed25519Signer } from '../../src/signing.ts'
import { LEDGER } from '../fixtures.ts'
import { BASE, Seat, table } from './seats.ts'

/**
 * Four engines and one that has no seat; the fourth seat is given to it. All that they say is delivered, in order, until the epoch has ended
 * everywhere.
 */
function handedOver() {
  const t = table('bft-4', 4)
  const key = ed25519Signer(new Uint8Array(32).fill(77))
  const joiner = new Seat({
    ...t.seats[0]!.init,
    self: 'p4',
    signerOf: (publicKey) => (Buffer.compare(publicKey, key.publicKey) === 0 ? key : undefined),
  })
  joiner.step({ type: 'start' })
  const { size, members } = t.committee
  const next = createCommittee(
    size,
    members.map((member, seat) => (seat === 3 ? { ...member, peer: 'p4', publicKey: key.publicKey } : member)),
  )
  const seats = [...t.seats, joiner]
  for (const seat of seats) seat.step({ type: 'reconfigure', committee: next })
  const done = seats.map(() => 0)
  const starts = (): (EpochStart | undefined)[] =>
    seats.map((seat) => seat.notices().flatMap((notice) => (notice.type === 'epoch-started' ? [notice.start] : []))[0])
  for (let round = 0; round < 200 && starts().includes(undefined); round++) {
    for (const [from, seat] of seats.entries()) {
      seat.sync()
      for (; done[from]! < seat.effects.length; done[from]!++) {
        const effect = seat.effects[done[from]!]!
        if (effect.type === 'send') for (const to of effect.to) seats[Number(to.slice(1))]!.hear(from, effect.message)
        if (effect.type === 'fetch') seats[Number(effect.from.slice(1))]!.hear(from, { type: 'fetch', want: effect.want })
        if (effect.type === 'apply') seat.step({ type: 'applied', height: effect.point.height, stateRoot: BASE.digest })
      }
    }
    // Nothing moves by itself: whoever waits says again what it has to say.
    for (const seat of seats) seat.fire('resend')
  }
  const readies = joiner.sent('ready').map(({ ready }) => ready)
  return { t, key, seats, next, starts: starts(), readies }
}

function signed(record: EpochRecord, { t }: ReturnType<typeof handedOver>, count = 3): EpochRecord {
  const statement = epochStatement(record)
  const signatures = t.signers.slice(0, count).map((signer, seat) => ({ seat, signature: signStatement(LEDGER, signer, statement) }))
  return { ...record, signatures }
}

describe('an epoch that is handed over by engines', () => {
  const run = handedOver()
  const { t, key, seats, next, starts, readies } = run
  const { verifier, start: first } = t.seats[0]!.init

  it('ends at all of them with the same block, and the one that joins has its seat', () => {
    for (const start of starts) assert.deepEqual(start, starts[0])
    assert.equal(starts[0]?.committee.hash, next.hash)
    assert.deepEqual(
      seats.map(({ state }) => state.seat),
      [0, 1, 2, undefined, 3],
    )
  })

  it('has a record that a light client believes, with the word that the joiner’s engine signed', () => {
    const record = signed(openEpochRecord(first, starts[0]!, readies), run)
    assert.equal(record.ready.length, 1)
    assert.equal(verifyEpochRecord(LEDGER, 0, t.committee, verifier, record).hash, next.hash)
  })

  it('leaves the word of who joined on the disks of all that voted for its last block', () => {
    for (const seat of seats.slice(0, 3)) {
      const kept = seat.log.flatMap((entry) => (entry.type === 'ready' ? [entry.ready] : []))
      const record = signed(openEpochRecord(first, starts[0]!, kept), run)
      assert.equal(verifyEpochRecord(LEDGER, 0, t.committee, verifier, record).hash, next.hash)
      const types = seat.log.map(({ type }) => type)
      assert.ok(types.indexOf('ready') < types.indexOf('committee') && types.indexOf('committee') < types.indexOf('vote'))
    }
  })

  it('signs with a key until it is erased, and erases it last', () => {
    const leaver = seats[3]!
    const at = (type: string): number =>
      leaver.effects.findIndex((effect) => (effect.type === 'emit' ? effect.event.type : effect.type) === type)
    assert.ok(at('epoch-started') < at('eraseKey') && at('epoch-started') >= 0)
    assert.equal(leaver.effects.filter(({ type }) => type === 'eraseKey').length, 1)
    assert.ok(!seats.slice(0, 3).some(({ effects }) => effects.some(({ type }) => type === 'eraseKey')))
  })

  it('is not believed with a word for another epoch, or none', () => {
    const forged: Ready = { ...readies[0]!, signature: key.sign(Buffer.from('for the next epoch')) }
    const late: Ready = { ...forged, epoch: 1 }
    for (const words of [[forged], [late], []]) {
      const record = signed(openEpochRecord(first, starts[0]!, words), run)
      assert.throws(
        () => verifyEpochRecord(LEDGER, 0, t.committee, verifier, record),
        (error) => error instanceof LedgerError && error.fault.code === 'NOT_READY',
      )
    }
    const record = signed(openEpochRecord(first, starts[0]!, [late, ...readies]), run)
    assert.equal(verifyEpochRecord(LEDGER, 0, t.committee, verifier, record).hash, next.hash, 'nor does such a word stand in the way')
  })

  it('is gathered from what each has of it, whatever else they are told', () => {
    const whole = signed(openEpochRecord(first, starts[0]!, readies), run)
    const gather = (record: EpochRecord, other: Pick<EpochRecord, 'ready' | 'signatures'>): EpochRecord =>
      gatherEpochRecord(LEDGER, t.committee, next, verifier, record, other)
    let record = openEpochRecord(first, starts[0]!, [])
    const forged = { seat: 3, signature: new Uint8Array(64).fill(1) }
    assert.equal(gather(record, { ready: [forged], signatures: [forged, { ...whole.signatures[0]!, seat: 1 }] }), record)
    for (const each of whole.signatures.toReversed()) record = gather(record, { ready: whole.ready, signatures: [each] })
    assert.deepEqual(record, whole)
    assert.equal(gather(record, whole), record)
    assert.ok(isStatementSigned(LEDGER, verifier, t.signers[2]!.publicKey, epochStatement(record), record.signatures[2]!.signature))
  })
})
