import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { TerminalProgress } from '../src/output/progress.ts'
import { StatusLine } from '../src/output/status-line.ts'
import { GuardedStream } from '../src/output/text-stream.ts'
import { FakeStream } from './fake-host.ts'

const MIB = 2 ** 20

describe('progress', () => {
  it('redraws a line on a terminal, with a rate and an honest estimate', async () => {
    const { progress, clock, stream } = start(true)
    for (let step = 0; step <= 50; step++) {
      progress.update({ stage: 'bulk', bytes: step * MIB, bytesTotal: 100 * MIB, peersCount: 2 })
      await clock.advance(100)
    }
    await clock.advance(200)
    assert.equal(stream.lines.length, 0)
    assert.match(lastShown(stream), /^bulk {2}50\.0 % {2}50\.0 MiB of 100\.0 MiB {2}(10\.\d|9\.\d) MiB\/s {2}5 s left {2}2 peers$/)
    progress.clear()
    assert.ok(stream.text.endsWith('\r\u001B[2K'))
    assert.equal(clock.nextTimerMs(), undefined)
  })

  it('does not count what an earlier run had fetched', async () => {
    const { progress, clock, stream } = start(true)
    progress.update({ stage: 'bulk', bytes: 900 * MIB, bytesTotal: 1000 * MIB })
    for (let step = 1; step <= 40; step++) {
      await clock.advance(100)
      progress.update({ stage: 'bulk', bytes: 900 * MIB + step * 1024, bytesTotal: 1000 * MIB })
    }
    await clock.advance(200)
    assert.match(lastShown(stream), / KiB\/s /)
  })

  it('shows a stall although nothing calls it', async () => {
    const { progress, clock, stream } = start(true)
    progress.update({ stage: 'bulk', bytes: 0, bytesTotal: MIB })
    await clock.advance(12_000)
    assert.match(lastShown(stream), /nothing arrived for 12 s/)
  })

  it('writes a line every few seconds elsewhere, and a reason soon', async () => {
    const { progress, clock, stream } = start(false)
    progress.update({ stage: 'bulk', bytes: 0, bytesTotal: MIB })
    assert.equal(stream.lines.length, 1)
    await clock.advance(2000)
    progress.update({ stage: 'bulk', bytes: 1024, bytesTotal: MIB })
    await clock.advance(1000)
    assert.equal(stream.lines.length, 1, 'bytes alone are no news')
    progress.update({ stage: 'bulk', bytes: 1024, bytesTotal: MIB, stall: 'no source is connected' })
    await clock.advance(0)
    assert.match(stream.lines[1] ?? '', /waiting for 1 s: no source is connected/)
    for (let i = 0; i < 20; i++) {
      progress.update({ stage: 'bulk', bytes: 1024, bytesTotal: MIB, stall: i % 2 === 0 ? undefined : 'no source is connected' })
      await clock.advance(10)
    }
    assert.equal(stream.lines.length, 2, 'a source that comes and goes does not flood')
    await clock.advance(6000)
    assert.equal(stream.lines.length, 4)
    progress.clear()
    assert.equal(clock.nextTimerMs(), undefined)
  })
})

function start(isTTY: boolean): { progress: TerminalProgress; clock: ManualClock; stream: FakeStream } {
  const stream = new FakeStream(isTTY)
  const clock = new ManualClock()
  return { progress: new TerminalProgress(new StatusLine(new GuardedStream(stream), isTTY), clock), clock, stream }
}

function lastShown(stream: FakeStream): string {
  return stream.text.split('\r\u001B[2K').at(-1) ?? ''
}
