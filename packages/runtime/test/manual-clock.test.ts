import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sleep } from '../src/index.ts'
import { ManualClock } from '../src/testing/index.ts'

const EPOCH_MS = Date.UTC(2026, 0, 1)

describe('ManualClock', () => {
  it('moves only when told to, both times together', async () => {
    const clock = new ManualClock(EPOCH_MS)
    assert.deepEqual([clock.now(), clock.monotonicMs()], [EPOCH_MS, 0])
    await clock.advance(0)
    assert.deepEqual([clock.now(), clock.monotonicMs()], [EPOCH_MS, 0])
    await clock.advance(1500)
    assert.deepEqual([clock.now(), clock.monotonicMs()], [EPOCH_MS + 1500, 1500])
  })

  it('has an integer for a wall clock even between two milliseconds', async () => {
    const clock = new ManualClock(EPOCH_MS)
    await clock.advance(0.75)
    assert.deepEqual([clock.now(), clock.monotonicMs()], [EPOCH_MS, 0.75])
  })

  it('fires by time and then by creation, each at its own time', async () => {
    const clock = new ManualClock()
    const fired: string[] = []
    const timer = (name: string, delayMs: number): void => {
      clock.setTimer(delayMs, () => fired.push(`${name} at ${clock.monotonicMs()}`))
    }
    timer('late', 30)
    timer('first of two', 10)
    timer('second of two', 10)
    timer('overdue', -5)
    await clock.advance(29)
    assert.deepEqual(fired, ['overdue at 0', 'first of two at 10', 'second of two at 10'])
    await clock.advance(1)
    assert.equal(fired.at(-1), 'late at 30')
  })

  it('fires what falls due while it advances, and once only', async () => {
    const clock = new ManualClock()
    const fired: number[] = []
    const again = (): void => {
      fired.push(clock.monotonicMs())
      clock.setTimer(10, again)
    }
    clock.setTimer(10, again)
    await clock.advance(35)
    await clock.advance(0)
    assert.deepEqual(fired, [10, 20, 30])
    assert.equal(clock.nextTimerMs(), 40)
  })

  it('does not fire what was cancelled, not even by a timer of the same instant', async () => {
    const clock = new ManualClock()
    const fired: string[] = []
    const cancelled = clock.setTimer(10, () => fired.push('cancelled before'))
    clock.setTimer(20, () => {
      fired.push('canceller')
      rival.cancel()
    })
    const rival = clock.setTimer(20, () => fired.push('cancelled meanwhile'))
    cancelled.cancel()
    cancelled.cancel()
    await clock.advance(100)
    assert.deepEqual(fired, ['canceller'])
    assert.equal(clock.nextTimerMs(), undefined)
  })

  it('lets promises that follow a timer run before the next timer', async () => {
    const clock = new ManualClock()
    const order: string[] = []
    const walk = async (): Promise<void> => {
      await sleep(clock, 10)
      for (let i = 0; i < 50; i++) await Promise.resolve()
      order.push(`walked at ${clock.monotonicMs()}`)
    }
    const walking = walk()
    clock.setTimer(11, () => order.push('next timer'))
    await clock.advance(20)
    await walking
    assert.deepEqual(order, ['walked at 10', 'next timer'])
  })

  it('runs until a condition holds, no further than the timer that made it so', async () => {
    const clock = new ManualClock()
    let fired = 0
    for (const delayMs of [10, 20, 30]) clock.setTimer(delayMs, () => fired++)
    await clock.runUntil(() => fired === 2)
    assert.deepEqual([fired, clock.monotonicMs()], [2, 20])
    await clock.runUntil(() => true)
    assert.equal(clock.monotonicMs(), 20)
  })

  it('says so when a condition cannot come about, or takes too long', async () => {
    const clock = new ManualClock()
    await assert.rejects(
      clock.runUntil(() => false),
      /nothing is scheduled/,
    )
    clock.setTimer(60_001, () => {})
    await assert.rejects(
      clock.runUntil(() => false, 60_000),
      /did not hold within 60000 ms/,
    )
  })
})
