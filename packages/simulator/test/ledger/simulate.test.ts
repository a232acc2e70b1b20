import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { LEDGER_PRESETS, type LedgerPreset, simulateLedger } from '../../src/index.ts'

/** Seeds of each preset that every change runs: some ten seconds of one core. `cairn simulate ledger --seeds` runs more. */
const SEEDS: Readonly<Record<LedgerPreset, number>> = { single: 60, 'cft-3': 60, 'bft-4': 30, 'cft-5': 40, 'bft-7': 20, 'geo-10': 6 }

/** Seeds that found a mistake, or that find it again when it is put back: what to look at first when one fails. */
const REMEMBERED: readonly { readonly preset: LedgerPreset; readonly seed: number; readonly why: string }[] = [
  { preset: 'cft-3', seed: 7, why: 'only a seat that is gone for good knew the committee that the last final block named' },
  { preset: 'cft-3', seed: 77, why: 'the state was durable, the certificate that made it final was not' },
  { preset: 'bft-7', seed: 134, why: 'too few seats knew the next committee to vote for a block that named it' },
  { preset: 'geo-10', seed: 4, why: 'a leader that talks and never proposes used up its whole term' },
  { preset: 'single', seed: 144, why: 'a vote survived a crash and its payload did not' },
  { preset: 'bft-7', seed: 2176, why: 'a slot had been skipped and notarised, and only the skip was known' },
  { preset: 'geo-10', seed: 2109, why: 'a log was replayed in another order than it was written' },
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

  for (const { preset, seed, why } of REMEMBERED) it(`${preset} ${seed}: ${why}`, () => assertHolds(preset, seed))

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
