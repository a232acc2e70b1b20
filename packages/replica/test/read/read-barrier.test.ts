import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCommittee, ed25519Signer, type PeerId, PRESETS } from '@cairn/ledger'
import { ManualClock } from '@cairn/runtime/testing'
import { ReadBarrier } from '../../src/read/read-barrier.ts'
import { decodeReadMessage, encodeReadMessage, type ReadMessage } from '../../src/read/read-message.ts'
import type { ReadView } from '../../src/read/read-view.ts'
import { put, TestReplicas } from '../replicas.ts'

const committee = createCommittee(
  PRESETS['bft-4'],
  [0, 1, 2, 3].map((seat) => ({
    peer: `seat-${seat}`,
    publicKey: ed25519Signer(new Uint8Array(32).fill(seat + 1)).publicKey,
    role: 'full' as const,
  })),
)
const VIEW: ReadView = { epoch: 0, baseSlot: 0, committee, seat: 0, votedSlot: 10, isEnding: false }

/** Seat 0 of four, of whom three are a quorum. */
class Reader {
  readonly clock = new ManualClock()
  readonly sent: { readonly to: readonly PeerId[]; readonly message: ReadMessage }[] = []
  view: ReadView = VIEW
  appliedSlot = 10
  readonly passed: boolean[] = []
  readonly barrier = new ReadBarrier({
    clock: this.clock,
    view: () => this.view,
    appliedSlot: () => this.appliedSlot,
    send: (to, message) => this.sent.push({ to, message }),
  })

  read(signal?: AbortSignal): void {
    void this.barrier.pass(signal).then((passed) => this.passed.push(passed))
  }

  answer(seat: number, votedSlot: number, round = this.round): void {
    this.barrier.hear(`seat-${seat}`, { type: 'answer', round, votedSlot })
  }

  get round(): number {
    return this.sent.findLast(({ message }) => message.type === 'ask')?.message.round ?? 0
  }

  async outcome(): Promise<readonly boolean[]> {
    await Promise.resolve()
    await Promise.resolve()
    await Promise.resolve()
    return this.passed
  }
}

describe('a read barrier', () => {
  it('passes when a quorum has answered, not before', async () => {
    const reader = new Reader()
    reader.read()
    assert.deepEqual(reader.sent[0]?.to, ['seat-1', 'seat-2', 'seat-3'])
    reader.answer(1, 10)
    reader.answer(1, 10)
    assert.deepEqual(await reader.outcome(), [])
    reader.answer(2, 9)
    assert.deepEqual(await reader.outcome(), [true])
  })

  it('waits until what one of the quorum has voted for is applied', async () => {
    const reader = new Reader()
    reader.read()
    reader.answer(1, 12)
    reader.answer(2, 3)
    assert.deepEqual(await reader.outcome(), [])
    reader.appliedSlot = 11
    reader.barrier.progressed()
    assert.deepEqual(await reader.outcome(), [])
    reader.appliedSlot = 12
    reader.barrier.progressed()
    assert.deepEqual(await reader.outcome(), [true])
  })

  it('waits for what this seat has voted for itself', async () => {
    const reader = new Reader()
    reader.view = { ...VIEW, votedSlot: 11 }
    reader.read()
    reader.answer(1, 10)
    reader.answer(2, 10)
    assert.deepEqual(await reader.outcome(), [])
  })

  it('is not held up by one seat that lies, once the others answered', async () => {
    const reader = new Reader()
    reader.read()
    reader.answer(3, Number.MAX_SAFE_INTEGER)
    reader.answer(1, 10)
    assert.deepEqual(await reader.outcome(), [])
    // It was asked twice, and has gone on meanwhile.
    reader.answer(1, 99)
    reader.answer(2, 10)
    assert.deepEqual(await reader.outcome(), [true])
  })

  it('takes no answer that was asked for before the reader came', async () => {
    const reader = new Reader()
    reader.read()
    const early = reader.round
    reader.read()
    reader.answer(1, 10)
    reader.answer(2, 10)
    assert.deepEqual(await reader.outcome(), [true])
    assert.notEqual(reader.round, early)
    reader.answer(3, 10, early)
    reader.answer(2, 10, early)
    assert.deepEqual(await reader.outcome(), [true])
    reader.answer(3, 10)
    reader.answer(2, 10)
    assert.deepEqual(await reader.outcome(), [true, true])
  })

  it('takes no answer of strangers', async () => {
    const reader = new Reader()
    reader.read()
    reader.answer(4, 10)
    reader.answer(5, 10)
    assert.deepEqual(await reader.outcome(), [])
  })

  it('asks the next committee when the epoch ends meanwhile', async () => {
    const reader = new Reader()
    reader.read()
    const early = reader.round
    reader.answer(1, 10)
    reader.view = { ...VIEW, isEnding: true }
    reader.answer(2, 10)
    assert.deepEqual(await reader.outcome(), [])
    reader.view = { ...VIEW, epoch: 1, baseSlot: 12 }
    reader.barrier.progressed()
    reader.answer(3, 10, early)
    assert.deepEqual(await reader.outcome(), [])
    reader.answer(1, 0)
    reader.answer(2, 0)
    assert.deepEqual(await reader.outcome(), [])
    reader.appliedSlot = 12
    reader.barrier.progressed()
    assert.deepEqual(await reader.outcome(), [true])
  })

  it('asks again, only who was silent, and stops asking when nobody waits', async () => {
    const reader = new Reader()
    const abort = new AbortController()
    reader.read(abort.signal)
    reader.answer(2, 10)
    await reader.clock.advance(1000)
    assert.deepEqual(reader.sent.at(-1)?.to, ['seat-1', 'seat-3'])
    abort.abort()
    assert.deepEqual(await reader.outcome(), [false])
    await reader.clock.advance(1000)
    const asked = reader.sent.length
    await reader.clock.advance(10_000)
    assert.equal(reader.sent.length, asked)
    assert.equal(reader.barrier.count, 0)
  })

  it('tells others what it has voted for, if it has a seat', () => {
    const reader = new Reader()
    reader.barrier.hear('seat-2', { type: 'ask', round: 5 })
    assert.deepEqual(reader.sent, [{ to: ['seat-2'], message: { type: 'answer', round: 5, votedSlot: 10 } }])
    const learner = new Reader()
    learner.view = { ...VIEW, seat: undefined }
    learner.barrier.hear('seat-2', { type: 'ask', round: 5 })
    assert.deepEqual(learner.sent, [])
  })

  it('says no at a stop', async () => {
    const reader = new Reader()
    reader.read()
    reader.barrier.stop()
    reader.read()
    assert.deepEqual(await reader.outcome(), [false, false])
  })
})

describe('read messages', () => {
  it('are what they were', () => {
    for (const message of [
      { type: 'ask', round: 7 },
      { type: 'answer', round: 2 ** 40, votedSlot: 9 },
    ] as const)
      assert.deepEqual(decodeReadMessage(encodeReadMessage(message)), message)
    assert.equal(
      Buffer.from(encodeReadMessage({ type: 'answer', round: 1, votedSlot: 2 })).toString('hex'),
      '0200000000000000010000000000000002',
    )
    const answer = encodeReadMessage({ type: 'answer', round: 1, votedSlot: 2 })
    assert.throws(() => decodeReadMessage(answer.subarray(0, 16)))
    assert.throws(() => decodeReadMessage(Uint8Array.of(3, ...answer.subarray(1))))
    assert.throws(() => decodeReadMessage(Uint8Array.of(1, ...answer.subarray(1))))
  })
})

describe('a final read', { timeout: 60_000 }, () => {
  it('has what was acknowledged elsewhere, every time, and is refused without a quorum', async () => {
    await using ledger = new TestReplicas('cft-3')
    await ledger.startAll()
    for (let index = 0; index < 30; index++) {
      const outcome = await ledger.replicas[0]!.submit(put('counter', `${index}`))
      assert.equal(outcome.type, 'final')
      const read = await ledger.replicas[2]!.readFinal(Buffer.from('counter'))
      assert.equal(Buffer.from(read?.value ?? []).toString(), `${index}`)
    }
    await ledger.stop(1)
    assert.ok(await ledger.replicas[2]!.readFinal(Buffer.from('counter')))
    await ledger.stop(0)
    assert.equal(await ledger.replicas[2]!.readFinal(Buffer.from('counter'), AbortSignal.timeout(300)), undefined)
    assert.equal(Buffer.from(ledger.replicas[2]!.readLocal(Buffer.from('counter')).value ?? []).toString(), '29')
  })
})
