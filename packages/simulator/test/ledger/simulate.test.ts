import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LEDGER_PRESETS, type LedgerPreset, simulateLedger } from '../../src/index.ts'

/** Seeds of each preset that every change runs: some ten seconds of one core. `cairn simulate ledger --seeds` runs more. */
const SEEDS: Readonly<Record<LedgerPreset, number>> = { single: 60, 'cft-3': 60, 'bft-4': 30, 'cft-5': 40, 'bft-7': 16, 'geo-10': 6 }

/** Seeds on whose schedule a mistake shows that few others show: `npm run mutants` names them. The engine as it is survives them. */
const RARE: readonly { readonly preset: LedgerPreset; readonly seed: number; readonly shows: string }[] = [
  { preset: 'geo-10', seed: 8, shows: 'a parent that is not certified' },
  { preset: 'bft-4', seed: 4, shows: 'a slot between that is not skipped' },
  { preset: 'bft-7', seed: 45, shows: 'a block that becomes final after the end of its epoch' },
]

function assertHolds(preset: LedgerPreset, seed: number, realSignatures = false): void {
  const { failure, height } = simulateLedger({ seed, preset, realSignatures })
  assert.equal(failure, undefined, `${failure?.message}\n${failure?.replay}\n${failure?.story.split('\n').slice(-40).join('\n')}`)
  assert.ok(height >= 3)
}

describe('the ledger under faults', () => {
  for (const preset of LEDGER_PRESETS) {
    it(`${preset}: keeps every invariant and recovers, the same way twice, ${SEEDS[preset]} seeds`, () => {
      for (let seed = 1; seed <= SEEDS[preset]; seed++) assertHolds(preset, seed)
    })
  }

  for (const { preset, seed, shows } of RARE) it(`${preset} ${seed}: would show ${shows}`, () => assertHolds(preset, seed))

  it('does the same with real signatures', () => {
    for (const preset of ['cft-3', 'bft-4'] as const) {
      assertHolds(preset, 5, true)
      const real = simulateLedger({ preset, seed: 5, realSignatures: true, twice: false })
      assert.equal(real.traceHash, simulateLedger({ preset, seed: 5, twice: false }).traceHash)
    }
  })

  it('tells seeds apart', () => {
    const hashes = [1, 2, 3, 4].map((seed) => simulateLedger({ preset: 'cft-3', seed, twice: false }).traceHash)
    assert.equal(new Set(hashes).size, 4)
  })
})
