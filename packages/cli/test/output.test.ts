import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { formatBytes, formatDuration, formatPercent, formatRate, printable } from '../src/output/format.ts'
import { renderProgress } from '../src/output/progress-line.ts'
import { StatusLine } from '../src/output/status-line.ts'
import { renderTable } from '../src/output/table.ts'
import { GuardedStream } from '../src/output/text-stream.ts'
import { FakeStream } from './fake-host.ts'

describe('format', () => {
  it('writes bytes', () => {
    const pairs: [number, string][] = [
      [0, '0 B'],
      [1023, '1023 B'],
      [1024, '1.0 KiB'],
      [1024 * 1024 - 1, '1.0 MiB'],
      [1.5 * 2 ** 30, '1.5 GiB'],
      [2 ** 60, '1024.0 PiB'],
    ]
    for (const [bytes, text] of pairs) assert.equal(formatBytes(bytes), text)
    assert.equal(formatRate(2 ** 20), '1.0 MiB/s')
  })

  it('writes durations', () => {
    const pairs: [number, string][] = [
      [0, '0 ms'],
      [999, '999 ms'],
      [999.9, '1 s'],
      [59_499, '59 s'],
      [59_999, '1 min'],
      [200_000, '3 min 20 s'],
      [3_599_999, '1 h'],
      [7_500_000, '2 h 5 min'],
      [86_399_999, '1 d'],
      [100 * 3_600_000, '4 d 4 h'],
    ]
    for (const [ms, text] of pairs) assert.equal(formatDuration(ms), text)
  })

  it('says 100 % of nothing that is not complete', () => {
    assert.equal(formatPercent(0, 0), '100.0 %')
    assert.equal(formatPercent(1, 3), '33.3 %')
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (whole) => {
        assert.notEqual(formatPercent(whole - 1, whole), '100.0 %')
        assert.equal(formatPercent(whole, whole), '100.0 %')
      }),
    )
  })

  it('takes the teeth out of text for a terminal', () => {
    assert.equal(printable('a\u001B]0;owned\u0007b\u202Ec'), 'a�]0;owned�b�c')
  })
})

describe('table', () => {
  it('aligns columns and ends no line in space', () => {
    const table = renderTable(
      [{ title: 'NAME' }, { title: 'BYTES', align: 'right' }, { title: 'NOTE' }],
      [
        ['a', '10', ''],
        ['longer', '1000000', 'x\ny'],
      ],
    )
    assert.deepEqual(table.split('\n'), ['NAME      BYTES  NOTE', 'a            10', 'longer  1000000  x�y'])
  })
})

describe('progress line', () => {
  const moving = { perSecond: 2 ** 20, etaMs: 20_000, idleMs: 10 }

  it('says stage, share, bytes, rate, time left and peers', () => {
    assert.equal(
      renderProgress({ stage: 'hot', bytes: 2 ** 20, bytesTotal: 4 * 2 ** 20, peersCount: 1 }, moving, 200),
      'hot  25.0 %  1.0 MiB of 4.0 MiB  1.0 MiB/s  20 s left  1 peer',
    )
  })

  it('leaves out what nobody knows', () => {
    assert.equal(
      renderProgress({ stage: 'manifest', bytes: 0, bytesTotal: undefined }, { perSecond: undefined, etaMs: undefined, idleMs: 0 }, 200),
      'manifest  0 B',
    )
  })

  it('gives the reason of a stall in place of a rate', () => {
    const state = { stage: 'bulk', bytes: 1024, bytesTotal: 2048, peersCount: 0, stall: 'no source is connected' }
    assert.equal(
      renderProgress(state, { ...moving, idleMs: 12_000 }, 200),
      'bulk  50.0 %  1.0 KiB of 2.0 KiB  waiting for 12 s: no source is connected  0 peers',
    )
    assert.match(renderProgress({ ...state, stall: undefined }, { ...moving, idleMs: 12_000 }, 200), /nothing arrived for 12 s/)
    assert.doesNotMatch(renderProgress({ ...state, bytes: 2048 }, { ...moving, idleMs: 12_000 }, 200), /waiting|arrived/)
  })

  it('fits', () => {
    const line = renderProgress({ stage: 'x'.repeat(100), bytes: 0, bytesTotal: 1 }, moving, 30)
    assert.equal(line.length, 30)
    assert.ok(line.endsWith('…'))
  })
})

describe('status line', () => {
  it('stays below what is written', () => {
    const stream = new FakeStream(true)
    const line = new StatusLine(new GuardedStream(stream), true)
    line.show('50 %')
    line.write('a log line\n')
    line.show('50 %')
    line.show('')
    assert.equal(stream.text, '\r\u001B[2K50 %\r\u001B[2Ka log line\n50 %\r\u001B[2K')
  })

  it('does not exist where there is no terminal', () => {
    const stream = new FakeStream()
    const line = new StatusLine(new GuardedStream(stream), false)
    line.show('50 %')
    line.write('a log line\n')
    assert.equal(stream.text, 'a log line\n')
  })
})

describe('guarded stream', () => {
  it('falls silent when its reader has gone, and keeps any other fault', () => {
    const piped = new FakeStream()
    const guarded = new GuardedStream(piped)
    guarded.write('a')
    piped.fail('EPIPE')
    guarded.write('b')
    assert.equal(piped.text, 'a')
    assert.equal(guarded.fault, undefined)

    const full = new FakeStream()
    const failing = new GuardedStream(full)
    full.fail('ENOSPC')
    assert.match(failing.fault?.message ?? '', /ENOSPC/)
  })
})
