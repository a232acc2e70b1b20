import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RESPONSE_MS_MIN, RESPONSE_MS_UNKNOWN } from '../src/limits.ts'
import { ResponsePace } from '../src/response-pace.ts'

/** A source that answers `count` times, `everyMs` after it was asked. */
function steady(count: number, everyMs: number, bytes = 1_000): { readonly pace: ResponsePace; readonly now: number } {
  const pace = new ResponsePace()
  let now = 0
  for (let i = 0; i < count; i++) {
    pace.asked(now)
    now += everyMs
    pace.arrived(bytes, bytes, everyMs, now)
    pace.answered(false, now)
  }
  return { pace, now }
}

describe('when an answer is overdue', () => {
  test('is a guess before the first', () => {
    assert.equal(new ResponsePace().overdueMs(), RESPONSE_MS_UNKNOWN)
    assert.equal(new ResponsePace().isKnown, false)
  })

  test('is never sooner than the bound, however quick and steady a source is', () => {
    assert.equal(steady(100, 3).pace.overdueMs(), RESPONSE_MS_MIN)
  })

  test('is three times the first response, and approaches the response of a steady source', () => {
    assert.equal(steady(1, 1_000).pace.overdueMs(), 3_000)
    const { pace } = steady(60, 1_000)
    assert.ok(pace.overdueMs() < 1_001, `${pace.overdueMs()} ms`)
  })

  test('is later for a source whose responses vary', () => {
    const { pace } = steady(60, 300)
    const steadyMs = pace.overdueMs()
    for (let i = 0; i < 20; i++) pace.arrived(1_000, 1_000, i % 2 === 0 ? 100 : 500, 0)
    assert.ok(pace.overdueMs() > steadyMs + 400, `${pace.overdueMs()} ms`)
  })
})

test('a chunk of four times the usual size may take four times as long', () => {
  const { pace, now } = steady(60, 1_000)
  assert.equal(Math.round(pace.overdueMs(4_000)), 4_000)
  pace.asked(now)
  assert.deepEqual([pace.isStuck(now + 2_000, 1_000), pace.isStuck(now + 2_000, 4_000)], [true, false])
})

test('a source with a long queue is stuck as soon as the next answer does not come, although none is overdue', () => {
  const pace = new ResponsePace()
  pace.asked(0)
  let now = 0
  for (let i = 1; i <= 50; i++) {
    now += 50
    pace.arrived(1_000, 1_000, now, now)
    pace.answered(true, now)
  }
  assert.equal(pace.isStuck(now + 190, 1_000), false)
  assert.equal(pace.isStuck(now + 210, 1_000), true)
  assert.ok(pace.overdueMs() > 2_000)
})

test('a source that has sent one small chunk quickly is not stuck while a large one may be on its way at the same rate', () => {
  const { pace, now } = steady(1, 100, 10_000)
  pace.asked(now)
  assert.equal(pace.isStuck(now + 1_900, 100_000), false)
  assert.equal(pace.isStuck(now + 3_100, 100_000), true)
})

describe('the rate', () => {
  test('counts busy time only', () => {
    const { pace, now } = steady(50, 100)
    assert.ok(Math.abs(pace.bytesPerSecond(now + 60_000) - 10_000) < 1, `${pace.bytesPerSecond(now)} B/s`)
  })

  test('falls while a source is silent, and what may be on the way counts for it', () => {
    const { pace, now } = steady(1, 100)
    pace.asked(now)
    assert.equal(pace.bytesPerSecond(now + 900), 1_000)
    assert.equal(pace.bytesPerSecond(now + 900, 1_000), 2_000)
    assert.equal(pace.silentMs(now + 900), 900)
  })

  test('follows a source that becomes slow', () => {
    const { pace, now } = steady(50, 10)
    pace.asked(now)
    pace.arrived(1_000, 1_000, 10_000, now + 10_000)
    assert.ok(pace.bytesPerSecond(now + 10_000) < 300, `${pace.bytesPerSecond(now + 10_000)} B/s`)
  })
})

test('a refusal is an answer: the source is not silent', () => {
  const pace = new ResponsePace()
  pace.asked(0)
  pace.answered(true, 700)
  assert.equal(pace.silentMs(800), 100)
  pace.answered(false, 900)
  assert.equal(pace.silentMs(5_000), 0)
})
