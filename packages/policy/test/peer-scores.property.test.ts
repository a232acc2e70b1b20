import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { BAN_SCORE, type PeerFault, PENALTIES, PeerScores } from '../src/index.ts'

const faults = Object.keys(PENALTIES) as PeerFault[]
const incidents = fc.array(
  fc.record({
    peer: fc.nat(20).map(String),
    fault: fc.constantFrom(...faults),
    afterMs: fc.nat(3_600_000),
    isLastSource: fc.boolean(),
  }),
  { maxLength: 200, size: 'max' },
)

describe('whatever peers do', () => {
  it('their number and scores are bounded, bans are bounded and the last source is kept', () => {
    fc.assert(
      fc.property(incidents, (incidents) => {
        const scores = new PeerScores({ peersMax: 10 })
        let now = 0
        for (const { peer, fault, afterMs, isLastSource } of incidents) {
          now += afterMs
          const { score, verdict, banMs } = scores.penalize(peer, fault, now, { isLastSource })
          assert(scores.size <= 10)
          assert(score >= 0 && score <= 2 * BAN_SCORE)
          assert(banMs >= 0 && banMs <= 86_400_000)
          assert.equal(verdict === 'ban', banMs > 0)
          if (isLastSource) assert.equal(verdict, 'keep')
        }
      }),
    )
  })

  it('time alone never makes a score worse', () => {
    fc.assert(
      fc.property(fc.constantFrom(...faults), fc.nat(1e9), fc.nat(1e9), (fault, a, b) => {
        const scores = new PeerScores()
        scores.penalize('a', fault, 0)
        assert(scores.score('a', Math.max(a, b)) <= scores.score('a', Math.min(a, b)))
      }),
    )
  })
})
