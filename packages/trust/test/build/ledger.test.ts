import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addRelease, newLedger } from '../../src/index.ts'
import { readLedger } from '../../src/verify-ledger.ts'
import { assertFault } from '../assert-fault.ts'
import { fields, KEYS, NEXT_YEAR, release } from '../repository.ts'

const signing = { expiresAt: NEXT_YEAR, signers: [KEYS.alpha] }
const channelsByHeight = (bytes: Uint8Array): object =>
  Object.fromEntries(readLedger('alpha', bytes).map(({ height, channels }) => [height, channels]))

describe('addRelease', () => {
  const first = addRelease({ release: release('alpha', 1, ['stable']), ...signing })

  it('numbers the files of a ledger from 1', () => {
    assert.equal(fields(first)['version'], 1)
    assert.equal(fields(addRelease({ previous: first, release: release('alpha', 2), ...signing }))['version'], 2)
  })

  it('moves a channel off every other height', () => {
    const second = addRelease({ previous: first, release: release('alpha', 2, ['canary']), ...signing })
    const third = addRelease({ previous: second, release: release('alpha', 3, ['stable', 'canary']), ...signing })
    assert.deepEqual(channelsByHeight(third), { 1: [], 2: [], 3: ['canary', 'stable'] })
    const back = addRelease({ previous: third, release: release('alpha', 1, ['stable']), ...signing })
    assert.deepEqual(channelsByHeight(back), { 1: ['stable'], 2: [], 3: ['canary'] })
  })

  it('changes nothing if it says so already', () => {
    assert.equal(addRelease({ previous: first, release: release('alpha', 1, ['stable']), ...signing }), first)
    assert.equal(addRelease({ previous: first, release: release('alpha', 1), ...signing }), first)
  })

  it('refuses another manifest at a height unless told to replace it', () => {
    const other = release('alpha', 1, ['canary'], 'another')
    const wanted = {
      code: 'CONFLICT',
      ledger: 'alpha',
      height: 1,
      found: release('alpha', 1).manifest.toString(),
      wanted: other.manifest.toString(),
    } as const
    assertFault(() => addRelease({ previous: first, release: other, ...signing }), wanted)
    const replaced = addRelease({ previous: first, release: other, replace: true, ...signing })
    assert.deepEqual(readLedger('alpha', replaced), [{ ...other, channels: ['canary', 'stable'] }])
  })

  it('publishes nothing that no client would accept', () => {
    assertFault(() => addRelease({ release: release('alpha', -1), ...signing }), { code: 'OUT_OF_SCOPE' })
    assertFault(() => addRelease({ release: release('alpha', 1, ['Stable']), ...signing }), { code: 'MALFORMED' })
    assertFault(() => newLedger({ ledger: 'alpha', releases: [release('beta', 1)], ...signing }), { code: 'OUT_OF_SCOPE' })
    const full = Array.from({ length: 1025 }, (_, height) => release('alpha', height))
    assertFault(() => newLedger({ ledger: 'alpha', releases: full, ...signing }), { code: 'MALFORMED', file: 'alpha.json' })
  })
})
