import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { RateMeter } from '../src/index.ts'

const WEEK_MS = 7 * 24 * 3_600_000

describe('rate meter', () => {
  it('knows nothing until it has seen enough', () => {
    const meter = new RateMeter(0)
    assert.equal(meter.perSecond(0), undefined)
    meter.add(1, 1e9)
    assert.equal(meter.perSecond(60_000), undefined, 'one sample is not a rate')
    for (let ms = 100; ms <= 400; ms += 100) meter.add(ms, 10)
    assert.equal(meter.perSecond(400), undefined, 'nor is half a second')
    assert.equal(meter.etaMs(400, 1000), undefined)
  })

  it('is unbiased from its first answer on', () => {
    const meter = new RateMeter(0)
    for (let ms = 10; ms <= 2000; ms += 10) meter.add(ms, 1000)
    const rate = meter.perSecond(2000) ?? Number.NaN
    assert.ok(Math.abs(rate - 100_000) < 1000, `${rate}`)
    assert.ok(Math.abs((meter.etaMs(2000, 1_000_000) ?? Number.NaN) - 10_000) < 100)
  })

  it('gives no estimate for a stall, and a falling rate', () => {
    const meter = new RateMeter(0)
    for (let ms = 10; ms <= 5000; ms += 10) meter.add(ms, 1000)
    assert.ok((meter.perSecond(8000) ?? Number.NaN) < (meter.perSecond(5000) ?? Number.NaN))
    assert.notEqual(meter.etaMs(6000, 1000), undefined)
    assert.equal(meter.etaMs(10_001, 1000), undefined)
    assert.equal(meter.idleMs(10_001), 5001)
  })

  it('is done when nothing remains', () => assert.equal(new RateMeter(0).etaMs(0, 0), 0))

  it('is never absurd: any estimate is finite, not negative, and at most a week', () => {
    const step = fc.record({ ms: fc.nat(120_000), amount: fc.nat(2 ** 31 - 1) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 50 }), fc.double({ min: 0, max: 2 ** 60, noNaN: true }), (steps, remaining) => {
        const meter = new RateMeter(1000)
        let now = 1000
        for (const { ms, amount } of steps) meter.add((now += ms), amount)
        const rate = meter.perSecond(now)
        assert.ok(rate === undefined || (Number.isFinite(rate) && rate >= 0))
        const eta = meter.etaMs(now, remaining)
        assert.ok(eta === undefined || (eta >= 0 && eta <= WEEK_MS))
      }),
    )
  })
})
