import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BAN_SCORE, PeerScores } from '../src/index.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

describe('penalties', () => {
  it('ban at once for what no honest peer does', () => {
    for (const fault of ['bad-chunk', 'malformed-message', 'oversized-frame'] as const) {
      const judgement = new PeerScores().penalize('a', fault, 0)
      assert.deepEqual(judgement, { score: BAN_SCORE, verdict: 'ban', banMs: 10 * MINUTE })
    }
  })

  it('ban for what adds up', () => {
    const scores = new PeerScores()
    const verdicts = [1, 2, 3, 4].map(() => scores.penalize('a', 'bad-announcement', 0).verdict)
    assert.deepEqual(verdicts, ['keep', 'keep', 'keep', 'ban'])
  })

  it('never ban for what the network does to honest peers, however often', () => {
    const scores = new PeerScores()
    for (const fault of ['timeout', 'stalled', 'refused-too-often', 'stale-metadata', 'disconnected'] as const) {
      for (let i = 0; i < 100; i++) assert.equal(scores.penalize('a', fault, 0).verdict, 'keep')
    }
    assert(scores.score('a', 0) < BAN_SCORE)
    assert.equal(scores.penalize('a', 'bad-metadata', 0).verdict, 'ban')
  })

  it('do not improve the score of a peer that is worse than suspect', () => {
    const scores = new PeerScores()
    const { score } = scores.penalize('a', 'bad-chunk', 0)
    assert.equal(scores.penalize('a', 'timeout', 0).score, score)
  })
})

describe('peer scores', () => {
  it('halve with every half life', () => {
    const scores = new PeerScores({ halfLifeMs: 1000 })
    scores.penalize('a', 'bad-metadata', 0)
    assert.equal(scores.score('a', 0), 40)
    assert.equal(scores.score('a', 1000), 20)
    assert.equal(scores.score('a', 3000), 5)
    assert.equal(scores.score('b', 0), 0)
  })

  it('are per peer, and can be forgotten', () => {
    const scores = new PeerScores()
    scores.penalize('a', 'timeout', 0)
    scores.penalize('b', 'bad-metadata', 0)
    scores.forget('a')
    assert.equal(scores.score('a', 0), 0)
    assert.equal(scores.score('b', 0), 40)
    assert.equal(scores.size, 1)
  })

  it('keep the last source, and ban it when it is no longer the last', () => {
    const scores = new PeerScores()
    assert.deepEqual(scores.penalize('a', 'bad-chunk', 0, { isLastSource: true }), { score: BAN_SCORE, verdict: 'keep', banMs: 0 })
    assert.equal(scores.penalize('a', 'bad-announcement', 1).verdict, 'ban')
  })
})

describe('bans', () => {
  it('grow from one to the next, up to a day', () => {
    const scores = new PeerScores()
    let now = 0
    const minutes = [1, 2, 3, 4, 5, 6].map(() => {
      const { banMs } = scores.penalize('a', 'bad-chunk', now)
      now += banMs
      return banMs / MINUTE
    })
    assert.deepEqual(minutes, [10, 40, 160, 640, 1440, 1440])
  })

  it('are not made longer by faults that were on their way', () => {
    const scores = new PeerScores()
    scores.penalize('a', 'bad-chunk', 0)
    assert.equal(scores.penalize('a', 'bad-chunk', MINUTE).banMs, 9 * MINUTE)
    assert.equal(scores.penalize('a', 'timeout', 2 * MINUTE).banMs, 8 * MINUTE)
    assert.equal(scores.penalize('a', 'bad-chunk', 10 * MINUTE).banMs, 40 * MINUTE)
  })

  it('are forgotten after a day without one', () => {
    const scores = new PeerScores()
    scores.penalize('a', 'bad-chunk', 0)
    assert.equal(scores.penalize('a', 'bad-chunk', 10 * MINUTE + DAY).banMs, 10 * MINUTE)
  })

  it('end with probation: half of a ban is left', () => {
    const scores = new PeerScores()
    const { banMs } = scores.penalize('a', 'bad-chunk', 0)
    assert.equal(scores.score('a', banMs), BAN_SCORE / 2)
    assert.equal(scores.penalize('a', 'bad-announcement', banMs).verdict, 'keep')
  })
})

describe('the memory of peer scores', () => {
  it('drops the least relevant first', () => {
    const scores = new PeerScores({ peersMax: 8 })
    scores.penalize('banned', 'bad-chunk', 0)
    scores.penalize('bad', 'bad-metadata', 0)
    for (let i = 0; i < 100; i++) scores.penalize(`flood-${i}`, 'disconnected', 0)
    assert(scores.size <= 8)
    assert.equal(scores.score('banned', 0), BAN_SCORE)
    assert.equal(scores.score('bad', 0), 40)
  })
})
