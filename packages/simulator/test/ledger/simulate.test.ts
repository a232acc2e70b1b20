import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { FOCI, LEDGER_PRESETS, type LedgerObserver, type LedgerPreset, simulateLedger } from '../../src/index.ts'
import { LATENT_FAULTS } from '../../src/ledger/log-image.ts'
import { TRICKS } from '../../src/ledger/plan.ts'

/** Seeds of each preset that every change runs: some ten seconds of one core. `cairn simulate ledger --seeds` runs more. */
const SEEDS: Readonly<Record<LedgerPreset, number>> = { single: 60, 'cft-3': 60, 'bft-4': 30, 'cft-5': 40, 'bft-7': 16, 'geo-10': 6 }

/** What can happen in a run: what strikes in none of a few seeds about everything tests nothing. */
const FAULTS: readonly string[] = [
  ...'lost duplicated straggled filtered queue-full cut'.split(' '),
  ...'partition-split partition-one-way partition-alone partition-partial'.split(' '),
  ...'slow-sync failed-sync disk-full torn-write payload-rotted payloads-gone'.split(' '),
  ...'log-pruned left-behind disk-gone state-installed state-of-later-epoch state-cut-short'.split(' '),
  ...LATENT_FAULTS.map((fault) => `disk-${fault}`),
  ...TRICKS,
  ...'orphan-hidden orphan-parent replay-old-epoch relabel-epoch'.split(' '),
]

function assertHolds(preset: LedgerPreset, seed: number, realSignatures = false): void {
  const { failure, height, faults } = simulateLedger({ seed, preset, realSignatures })
  assert.equal(failure, undefined, `${failure?.message}\n${failure?.replay}\n${failure?.story.split('\n').slice(-40).join('\n')}`)
  assert.ok(height >= 3)
  note(faults)
}

const struck = new Set<string>()

function note(faults: Readonly<Record<string, number>>): void {
  for (const fault of Object.keys(faults)) struck.add(fault)
}

describe('the ledger under faults', () => {
  for (const preset of LEDGER_PRESETS) {
    it(`${preset}: keeps every invariant and recovers, the same way twice, ${SEEDS[preset]} seeds`, () => {
      for (let seed = 1; seed <= SEEDS[preset]; seed++) assertHolds(preset, seed)
    })
  }

  for (const focus of FOCI) {
    it(`bft-4: the same in runs about ${focus}`, () => {
      for (let seed = 1; seed <= 3; seed++) {
        const { failure, faults } = simulateLedger({ preset: 'bft-4', seed, focus, twice: false })
        assert.equal(failure, undefined, failure?.message)
        note(faults)
      }
    })
  }

  it('is struck by every fault', () => {
    // The rare ones: in runs about payloads disks are bad, in those about snapshots states of later epochs are taken.
    for (const preset of ['cft-5', 'bft-7', 'geo-10'] as const)
      for (let seed = 1; seed <= 6; seed++) note(simulateLedger({ preset, seed, focus: 'payloads', twice: false }).faults)
    for (let seed = 1; seed <= 6; seed++) note(simulateLedger({ preset: 'cft-5', seed, focus: 'snapshots', twice: false }).faults)
    assert.deepEqual(
      FAULTS.filter((fault) => !struck.has(fault)),
      [],
    )
  })

  it('hears of what happens, and of it alone, in order', () => {
    const heard: string[] = []
    const observer: LedgerObserver = {
      started: ({ n }) => heard.push(`started ${n}`),
      vote: () => heard.push('vote'),
      certificate: () => heard.push('certificate'),
      header: () => heard.push('header'),
      final: ({ height }) => heard.push(`final ${height}`),
    }
    const { height, traceHash } = simulateLedger({ preset: 'cft-3', seed: 3, observer })
    assert.equal(heard[0], 'started 3')
    const first = ['header', 'vote', 'certificate', 'final 1'].map((what) => heard.indexOf(what))
    assert.deepEqual(
      first,
      first.toSorted((a, b) => a - b),
    )
    assert.ok(first[0]! > 0)
    assert.equal(heard.filter((what) => what === `final ${height}`).length > 0, true)
    assert.equal(traceHash, simulateLedger({ preset: 'cft-3', seed: 3, twice: false }).traceHash)
  })

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
