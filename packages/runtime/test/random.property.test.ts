import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { randomBelow, seededRandom } from '../src/index.ts'

describe('seededRandom', () => {
  it('replays from its seed and its names', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string({ maxLength: 8 }), { maxLength: 4 }), (seed, names) => {
        const draw = (): readonly number[] => {
          const random = names.reduce((parent, name) => parent.fork(name), seededRandom(seed))
          return Array.from({ length: 8 }, () => random.u32())
        }
        const drawn = draw()
        assert.deepEqual(draw(), drawn)
        for (const value of drawn) assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32)
      }),
    )
  })
})

describe('randomBelow', () => {
  it('is an integer below its bound', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 2 ** 32 }), (seed, bound) => {
        const value = randomBelow(seededRandom(seed), bound)
        assert.ok(Number.isInteger(value) && value >= 0 && value < bound)
      }),
    )
  })

  it('favours nothing: over the accepted values each remainder comes equally often', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (bound) => {
        const limit = firstRejected(bound)
        assert.equal(limit % bound, 0)
        // Rejecting a whole turn would waste draws; at least half of the range is always used.
        assert.ok(limit > 2 ** 32 - bound && limit > 2 ** 31 - 1)
      }),
    )
  })
})

/** The least u32 that `randomBelow` draws again for, found by bisection; 2^32 if there is none. */
function firstRejected(bound: number): number {
  let [accepted, rejected] = [0, 2 ** 32]
  while (rejected - accepted > 1) {
    const middle = Math.floor((accepted + rejected) / 2)
    if (isRejected(middle, bound)) rejected = middle
    else accepted = middle
  }
  return rejected
}

function isRejected(value: number, bound: number): boolean {
  let drawsCount = 0
  const random = { u32: () => (drawsCount++ === 0 ? value : 0), fork: () => random }
  randomBelow(random, bound)
  return drawsCount > 1
}
