import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { GossipPenalties } from '../../src/libp2p/gossip-penalties.ts'

describe('GossipPenalties', () => {
  test('add up and fade by half in five minutes', async () => {
    const clock = new ManualClock()
    const penalties = new GossipPenalties(clock)
    assert.equal(penalties.of('peer'), 0)
    penalties.add('peer')
    penalties.add('peer')
    assert.equal(penalties.of('peer'), 20)
    await clock.advance(300_000)
    assert.equal(penalties.of('peer'), 10)
    penalties.add('peer')
    await clock.advance(300_000)
    assert.equal(penalties.of('peer'), 10)
    assert.equal(penalties.of('other'), 0)
  })
})
