import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, it } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { Interrupted } from '../src/index.ts'
import { STOP_DEADLINE_MS, StopSignals } from '../src/signals.ts'

describe('signals', () => {
  it('aborts on the first and ends the process on the second', () => {
    const { source, signals, exits } = start()
    source.emit('SIGTERM')
    assert.ok(signals.signal.aborted)
    assert.ok(signals.signal.reason instanceof Interrupted)
    assert.deepEqual(exits, [])
    source.emit('SIGINT')
    assert.deepEqual(exits, [130])
  })

  it('gives clean-up a deadline', async () => {
    const { source, clock, exits, warnings } = start()
    source.emit('SIGTERM')
    await clock.advance(STOP_DEADLINE_MS - 1)
    assert.deepEqual(exits, [])
    await clock.advance(1)
    assert.deepEqual(exits, [143])
    assert.match(warnings[0] ?? '', /cut short/)
  })

  it('lets go of the process when disposed', () => {
    const { source, signals, clock } = start()
    source.emit('SIGINT')
    signals[Symbol.dispose]()
    assert.equal(source.listenerCount('SIGINT') + source.listenerCount('SIGTERM'), 0)
    assert.equal(clock.nextTimerMs(), undefined)
  })
})

function start(): { source: EventEmitter; signals: StopSignals; clock: ManualClock; exits: number[]; warnings: string[] } {
  const source = new EventEmitter()
  const clock = new ManualClock()
  const exits: number[] = []
  const warnings: string[] = []
  const signals = new StopSignals({ source, clock, exit: (code) => exits.push(code), warn: (sentence) => warnings.push(sentence) })
  return { source, signals, clock, exits, warnings }
}
