import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Clock, sleep, systemClock, type Timer } from '../src/index.ts'
import { ManualClock } from '../src/testing/index.ts'

describe('sleep', () => {
  it('resolves when its time has come, and not before', async () => {
    const clock = new ManualClock()
    let isOver = false
    const slept = sleep(clock, 100).then(() => (isOver = true))
    await clock.advance(99)
    assert.equal(isOver, false)
    await clock.advance(1)
    await slept
  })

  it('rejects with the reason of a signal that has aborted, and sets no timer', async () => {
    const clock = new ManualClock()
    const reason = new Error('stopped')
    await assert.rejects(sleep(clock, 100, AbortSignal.abort(reason)), (error) => error === reason)
    assert.equal(clock.nextTimerMs(), undefined)
  })

  it('rejects with the reason of a signal that aborts meanwhile, and takes its timer back', async () => {
    const clock = new ManualClock()
    const controller = new AbortController()
    const reason = new Error('stopped')
    const slept = sleep(clock, 100, controller.signal)
    const rejected = assert.rejects(slept, (error) => error === reason)
    await clock.advance(50)
    controller.abort(reason)
    await rejected
    assert.equal(clock.nextTimerMs(), undefined)
  })

  it('leaves no listener on a signal that outlives it', async () => {
    const { clock, cancelled } = countingClock()
    const controller = new AbortController()
    const slept = sleep(clock, 100, controller.signal)
    await clock.advance(100)
    await slept
    controller.abort(new Error('too late to matter'))
    assert.equal(cancelled(), 0)
  })
})

describe('systemClock', () => {
  it('calls back once, after the delay by its own reckoning', async () => {
    const startedMs = systemClock.monotonicMs()
    await sleep(systemClock, 5)
    assert.ok(systemClock.monotonicMs() > startedMs)
    assert.ok(Number.isInteger(systemClock.now()))
  })

  it('does not call back after a cancel', async () => {
    let isCalled = false
    const timer = systemClock.setTimer(0, () => {
      isCalled = true
    })
    timer.cancel()
    await sleep(systemClock, 5)
    assert.equal(isCalled, false)
  })
})

/** A manual clock that counts how many of its timers were cancelled. */
function countingClock(): { readonly clock: ManualClock & Clock; readonly cancelled: () => number } {
  let count = 0
  class CountingClock extends ManualClock {
    override setTimer(delayMs: number, callback: () => void): Timer {
      const timer = super.setTimer(delayMs, callback)
      return {
        cancel: () => {
          count += 1
          timer.cancel()
        },
      }
    }
  }
  return { clock: new CountingClock(), cancelled: () => count }
}
