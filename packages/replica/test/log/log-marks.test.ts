import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCommittee, type LogRecord, payloadFacts } from '@cairn/ledger'
import { LogMarks } from '../../src/log/log-marks.ts'

const digest = '11'.repeat(32)
const vote = (slot: number): LogRecord => ({ type: 'vote', epoch: 0, slot, kind: 'first', digest })
const payload = [{ id: 'a', body: Uint8Array.of(1) }]
const block = (slot: number): LogRecord => ({
  type: 'block',
  proposal: {
    header: {
      epoch: 0,
      slot,
      height: slot,
      parentSlot: slot - 1,
      parent: digest,
      payloadRoot: payloadFacts(payload).root,
      payloadBytes: 1,
      operationsCount: 1,
      time: 0,
      policyRoot: digest,
      stateHeight: 0,
      stateRoot: digest,
      nextCommittee: digest,
    },
    signature: new Uint8Array(64),
  },
})
const committee = (byte: number): LogRecord => ({
  type: 'committee',
  committee: createCommittee({ n: 1, f: 0, c: 0, p: 0 }, [{ peer: 'a', publicKey: new Uint8Array(32).fill(byte), role: 'full' }]),
})

describe('what of the log is needed', () => {
  it('begins with the first record about a slot that is open', () => {
    const marks = new LogMarks()
    marks.note(vote(1), 1, 1)
    marks.note(vote(2), 2, 2)
    marks.note(vote(3), 3, 3)
    marks.note(vote(2), 4, 3)
    assert.equal(marks.neededAfter(0), 1)
    assert.equal(marks.neededAfter(1), 2)
    assert.equal(marks.neededAfter(2), 3)
    assert.equal(marks.neededAfter(3), Infinity)
  })

  it('holds a payload until the slot of its block is closed, whichever came first', () => {
    for (const records of [
      [{ type: 'payload', payload }, block(5)],
      [block(5), { type: 'payload', payload }],
    ] satisfies LogRecord[][]) {
      const marks = new LogMarks()
      for (const [index, record] of records.entries()) marks.note(record, 10 + index, 2)
      assert.equal(marks.neededAfter(4), 10)
      assert.equal(marks.neededAfter(5), Infinity)
    }
  })

  it('does not wait for ever for the block of a payload', () => {
    const marks = new LogMarks()
    marks.note({ type: 'payload', payload }, 10, 2)
    assert.equal(marks.neededAfter(100), 10)
    assert.equal(marks.neededAfter(130), Infinity)
  })

  it('does not begin with what is known of the next committee, which is appended again', () => {
    const marks = new LogMarks()
    for (let byte = 1; byte < 20; byte++) marks.note(committee(byte), byte, 1)
    assert.deepEqual([marks.neededAfter(0), marks.size], [Infinity, 0])
  })
})
