import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { BanList } from '../src/ban-list.ts'
import { BANS_MAX } from '../src/limits.ts'

describe('BanList', () => {
  test('a ban lasts as long as it says', async () => {
    const clock = new ManualClock()
    const bans = new BanList(clock)
    bans.add('peer', 1000)
    await clock.advance(999)
    assert.equal(bans.has('peer'), true)
    await clock.advance(1)
    assert.equal(bans.has('peer'), false)
  })

  test('a shorter ban does not end a longer one', async () => {
    const clock = new ManualClock()
    const bans = new BanList(clock)
    bans.add('peer', 1000)
    bans.add('peer', 10)
    await clock.advance(500)
    assert.equal(bans.has('peer'), true)
  })

  test('forgets an expired ban first, and then the oldest', async () => {
    const clock = new ManualClock()
    const bans = new BanList(clock)
    bans.add('first', 10_000)
    bans.add('short', 1)
    await clock.advance(1)
    for (let i = 0; i < BANS_MAX - 1; i++) bans.add(`peer-${i}`, 10_000)
    assert.equal(bans.has('first'), true)
    bans.add('one more', 10_000)
    assert.deepEqual([bans.has('first'), bans.has('peer-0'), bans.has('one more')], [false, true, true])
  })
})
