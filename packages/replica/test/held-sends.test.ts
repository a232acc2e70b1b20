import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EngineState, Message, VoteKind } from '@cairn/ledger'
import { HeldSends } from '../src/held-sends.ts'

const SEATS = ['a', 'b']

function voteOf(kind: VoteKind, epoch: number, slot: number): Message {
  return { type: 'vote', vote: { kind, epoch, slot, digest: 'ab'.repeat(32), seat: 0, signature: new Uint8Array(64) } }
}

function stateAt(epoch: number, slot: number): Pick<EngineState, 'epoch' | 'final'> {
  return { epoch: { number: epoch }, final: { slot } } as Pick<EngineState, 'epoch' | 'final'>
}

describe('sends that wait for the disk', () => {
  it('leave in order, and none before what they wait for', () => {
    const held = new HeldSends()
    const messages = [voteOf('first', 1, 5), voteOf('extra', 1, 5), voteOf('final', 1, 6)]
    for (const [index, message] of messages.entries()) held.hold({ after: index + 1, to: SEATS, message })
    assert.deepEqual(held.release(0, stateAt(1, 4)), [])
    assert.deepEqual(
      held.release(2, stateAt(1, 4)).map(({ message }) => message),
      messages.slice(0, 2),
    )
    assert.equal(held.count, 1)
    assert.deepEqual(
      held.release(3, stateAt(1, 4)).map(({ message }) => message),
      messages.slice(2),
    )
  })

  it('are left out where they are final votes for what is final, and nothing else is', () => {
    const held = new HeldSends()
    const [needed, overtaken] = [voteOf('final', 1, 8), voteOf('final', 1, 7)]
    const others = [voteOf('first', 1, 7), voteOf('extra', 1, 7), voteOf('final', 2, 7)]
    for (const message of [needed, overtaken, ...others]) held.hold({ after: 1, to: SEATS, message })
    assert.deepEqual(
      held.release(1, stateAt(1, 7)).map(({ message }) => message),
      [needed, ...others],
    )
    assert.equal(held.count, 0)
  })
})
