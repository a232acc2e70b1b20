import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Random, randomBelow, randomUnit, seededRandom, systemRandom } from '../src/index.ts'

describe('seededRandom', () => {
  // A seed in a bug report must replay on every machine and in every later version.
  it('gives the numbers it has always given', () => {
    assert.deepEqual(take(seededRandom(42), 4), [2_447_574_668, 83_611_676, 1_450_851_391, 3_172_507_207])
    assert.deepEqual(take(seededRandom('42').fork('network'), 2), take(seededRandom('42/network'), 2))
  })

  it('takes a number and its text for the same seed, and others for others', () => {
    assert.deepEqual(take(seededRandom(7), 8), take(seededRandom('7'), 8))
    assert.notDeepEqual(take(seededRandom(7), 8), take(seededRandom(8), 8))
  })

  it('gives every bit a chance', () => {
    const random = seededRandom('bits')
    const ones = Array.from({ length: 32 }, () => 0)
    const draws = 4096
    for (let i = 0; i < draws; i++) {
      const value = random.u32()
      for (let bit = 0; bit < 32; bit++) ones[bit]! += (value >>> bit) & 1
    }
    // Six standard deviations of a fair coin, which is 32 for 4096 throws.
    for (const [bit, count] of ones.entries()) assert.ok(Math.abs(count - draws / 2) < 6 * 32, `bit ${bit} was set ${count} times`)
  })
})

describe('a fork', () => {
  it('does not depend on what its parent gave before, and does not disturb what it gives after', () => {
    const [fresh, used] = [seededRandom('seed'), seededRandom('seed')]
    take(used, 100)
    assert.deepEqual(take(used.fork('child'), 8), take(fresh.fork('child'), 8))

    const [alone, parent] = [seededRandom('seed'), seededRandom('seed')]
    take(parent.fork('child'), 100)
    assert.deepEqual(take(parent, 8), take(alone, 8))
  })

  it('differs by name, and from its parent', () => {
    const random = seededRandom('seed')
    const streams = [random, random.fork('a'), random.fork('b'), random.fork('a').fork('b')].map((stream) => take(stream, 4).join())
    assert.equal(new Set(streams).size, streams.length)
  })
})

describe('randomBelow', () => {
  it('throws the ragged top of the range away', () => {
    // 2^32 = 3 · 1431655765 + 1: the largest value alone would favour 0.
    assert.equal(randomBelow(scripted([2 ** 32 - 1, 5]), 3), 2)
    assert.equal(randomBelow(scripted([2 ** 32 - 2]), 3), 2)
    // Of 2^32 values, only those below 3 · 2^30 are used: the rest would favour the lower third.
    assert.equal(randomBelow(scripted([2 ** 32 - 1, 3 * 2 ** 30, 3 * 2 ** 30 - 1]), 3 * 2 ** 30), 3 * 2 ** 30 - 1)
  })

  it('takes every value where the bound divides the range', () => {
    assert.equal(randomBelow(scripted([2 ** 32 - 1]), 2 ** 32), 2 ** 32 - 1)
    assert.equal(randomBelow(scripted([2 ** 32 - 1]), 256), 255)
    assert.equal(randomBelow(scripted([2 ** 32 - 1]), 1), 0)
  })
})

describe('randomUnit', () => {
  it('spans [0, 1)', () => {
    assert.equal(randomUnit(scripted([0])), 0)
    assert.equal(randomUnit(scripted([2 ** 31])), 0.5)
    assert.ok(randomUnit(scripted([2 ** 32 - 1])) < 1)
  })
})

describe('systemRandom', () => {
  it('gives 32 bits that are not always the same, forked or not', () => {
    const values = [...take(systemRandom, 16), ...take(systemRandom.fork('any'), 16)]
    for (const value of values) assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32)
    assert.ok(new Set(values).size > 1)
  })
})

function take(random: Random, count: number): readonly number[] {
  return Array.from({ length: count }, () => random.u32())
}

/** Gives these values, then fails. */
function scripted(values: readonly number[]): Random {
  const left = [...values]
  const random: Random = { u32: () => left.shift() ?? assert.fail('one value too many was drawn'), fork: () => random }
  return random
}
