import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { createCommittee, fullSeatsMin, type Member, PRESETS, type PresetName, type Role, thresholdsOf } from '../src/committee.ts'
import { LedgerError } from '../src/errors.ts'

// Written by hand from the design's table, so that a mistake in the formula cannot hide in a table made by it.
const ORACLE: Readonly<Record<PresetName, readonly [q: number, f: number, w: number, d: number]>> = {
  single: [1, 1, 1, 1],
  'cft-3': [2, 3, 1, 2],
  'cft-5': [3, 4, 2, 3],
  'bft-4': [3, 4, 2, 2],
  'bft-7': [5, 6, 3, 3],
  'geo-10': [6, 8, 4, 4],
}

function members(count: number, role: (seat: number) => Role = () => 'full'): Member[] {
  return Array.from({ length: count }, (_, seat) => ({ peer: `p${seat}`, publicKey: new Uint8Array(32).fill(seat + 1), role: role(seat) }))
}

function refuses(run: () => unknown): void {
  assert.throws(run, (error) => error instanceof LedgerError && error.fault.code === 'BAD_COMMITTEE')
}

describe('thresholds', () => {
  for (const [name, [quorum, fast, weak, holders]] of Object.entries(ORACLE))
    it(`of ${name} are those of the table`, () =>
      assert.deepEqual(thresholdsOf(PRESETS[name as PresetName]), { quorum, fast, weak, holders }))

  it('are refused below n ≥ max(3f+2c+1, 3f+c+2p+1)', () => {
    for (const size of [
      { n: 3, f: 1, c: 0, p: 0 },
      { n: 2, f: 0, c: 1, p: 0 },
      { n: 6, f: 1, c: 1, p: 1 },
      { n: 5, f: 0, c: 2, p: 2 },
      { n: 0, f: 0, c: 0, p: 0 },
      { n: 65, f: 0, c: 0, p: 0 },
      { n: 4, f: -1, c: 0, p: 0 },
      { n: 4.5, f: 0, c: 0, p: 0 },
    ])
      refuses(() => thresholdsOf(size))
  })

  it('keep what safety and liveness rest on', () => {
    const small = fc.integer({ min: 0, max: 6 })
    fc.assert(
      fc.property(small, small, small, small, (f, c, p, spare) => {
        const n = Math.max(3 * f + 2 * c + 1, 3 * f + c + 2 * p + 1) + spare
        fc.pre(n <= 64)
        const { quorum, fast, weak, holders } = thresholdsOf({ n, f, c, p })
        assert.ok(2 * quorum > n + f, 'two quorums share an honest seat')
        assert.ok(quorum <= n - f - c, 'the live honest seats are a quorum')
        assert.ok(n - (fast - f) < weak + f + 1 && p + f < weak, 'after FAST(B) nothing else reaches W')
        assert.ok(quorum > p + f, 'after FAST(B) nothing else reaches Q')
        assert.ok(n - f - c >= 2 * weak - 1, 'W for one block, or W outside it')
        assert.ok(holders > f + c, 'one holder is live and honest')
      }),
    )
  })
})

describe('a committee', () => {
  it('needs 2(f+c)+1 payload holders', () => {
    const roles = (witnesses: number) => (seat: number) => (seat < witnesses ? 'vote-witness' : 'full') as Role
    assert.equal(createCommittee(PRESETS['bft-7'], members(7, roles(2))).thresholds.holders, 3)
    refuses(() => createCommittee(PRESETS['bft-7'], members(7, roles(3))))
    refuses(() => createCommittee(PRESETS['cft-3'], members(3, roles(1))))
  })

  it('needs an honest full seat in every quorum, for witnesses vote for any state', () => {
    const roles = (witnesses: number) => (seat: number) => (seat < witnesses ? 'log-witness' : 'full') as Role
    for (const [preset, full] of [
      ['bft-4', 3],
      ['bft-7', 4],
      ['geo-10', 6],
    ] as const) {
      const size = PRESETS[preset]
      assert.equal(fullSeatsMin(size), full)
      assert.ok(size.n - full + size.f < thresholdsOf(size).quorum && size.n - full + 1 + size.f >= thresholdsOf(size).quorum)
      createCommittee(size, members(size.n, roles(size.n - full)))
      refuses(() => createCommittee(size, members(size.n, roles(size.n - full + 1))))
    }
    createCommittee(PRESETS['cft-3'], members(3, roles(2)))
    refuses(() => createCommittee(PRESETS['cft-3'], members(3, roles(3))))
  })

  it('has one member for each seat, with a key and a peer of its own', () => {
    refuses(() => createCommittee(PRESETS['cft-3'], members(4)))
    const [first, second, third] = members(3)
    refuses(() => createCommittee(PRESETS['cft-3'], [first!, second!, { ...third!, peer: first!.peer }]))
    refuses(() => createCommittee(PRESETS['cft-3'], [first!, second!, { ...third!, publicKey: first!.publicKey }]))
    refuses(() => createCommittee(PRESETS['cft-3'], [first!, second!, { ...third!, publicKey: new Uint8Array(31) }]))
    refuses(() => createCommittee(PRESETS['cft-3'], [first!, second!, { ...third!, peer: '' }]))
  })

  it('is known by all that matters about it', () => {
    const base = createCommittee(PRESETS['bft-4'], members(4))
    assert.equal(createCommittee(PRESETS['bft-4'], members(4)).hash, base.hash)
    assert.notEqual(createCommittee(PRESETS['bft-4'], members(4).reverse()).hash, base.hash)
    assert.notEqual(
      createCommittee(
        PRESETS['bft-4'],
        members(4, (seat) => (seat === 0 ? 'log-witness' : 'full')),
      ).hash,
      base.hash,
    )
    assert.notEqual(createCommittee({ n: 4, f: 0, c: 1, p: 1 }, members(4)).hash, base.hash)
  })
})
