import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../src/backoff.ts'
import { RETRY_MS_MAX, RETRY_MS_MIN } from '../src/limits.ts'

test('waits twice as long after each failure, and not for ever', () => {
  const backoff = new Backoff()
  assert.equal(backoff.isDue('a', 0), true)
  assert.equal(backoff.failed('a', 0), RETRY_MS_MIN)
  assert.equal(backoff.failed('a', 0), 2 * RETRY_MS_MIN)
  for (let i = 0; i < 100; i++) backoff.failed('a', 0)
  assert.equal(backoff.nextMs(0), RETRY_MS_MAX)
  backoff.forget('a')
  assert.equal(backoff.failed('a', 0), RETRY_MS_MIN)
})

test('what is due is waited for no longer', () => {
  const backoff = new Backoff()
  backoff.failed('a', 0)
  backoff.failed('b', 100)
  assert.equal(backoff.nextMs(RETRY_MS_MIN), 100)
  assert.equal(backoff.isDue('a', RETRY_MS_MIN), true)
  assert.equal(backoff.isDue('b', RETRY_MS_MIN), false)
  assert.equal(backoff.nextMs(RETRY_MS_MIN + 100), undefined)
  backoff.retain(new Set(['b']))
  assert.equal(backoff.isDue('a', 0), true)
})
