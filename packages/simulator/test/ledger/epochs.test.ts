import assert from 'node:assert/strict'
import { it } from 'node:test'
import { type LedgerPreset, simulateLedger } from '../../src/index.ts'

// Goal: committees that change under faults are part of what is simulated, so that what is checked of them is checked at all.
// Method: the seeds that the tests run anyway, without their second run. A light client would believe in each epoch that begins (L6).
for (const [preset, changesMin] of [
  ['single', 6],
  ['cft-3', 4],
  ['bft-4', 5],
] as const satisfies readonly (readonly [LedgerPreset, number])[]) {
  it(`${preset}: epochs end and begin under faults`, () => {
    let changes = 0
    for (let seed = 1; seed <= 30; seed++) {
      const { failure, epochs } = simulateLedger({ preset, seed, twice: false })
      assert.equal(failure, undefined, `${failure?.message}\n${failure?.replay}`)
      changes += epochs - 1
    }
    assert.ok(changes >= changesMin, `${changes} epochs ended in 30 seeds`)
  })
}

// Four of five seats of the core had voted for a block that named a committee which nobody wanted any more, and had all been restarted since:
// the quorum's words for it were gone, so the fifth could not be convinced, and a quorum needs it.
it('bft-7: a slot in which only some know why its block may end the epoch is repaired', () => {
  const { failure, epochs } = simulateLedger({ preset: 'bft-7', seed: 4, focus: 'epochs', twice: false })
  assert.equal(failure, undefined, `${failure?.message}\n${failure?.replay}`)
  assert.ok(epochs > 1)
})

// All others of the lying seat's committee were one twin's half; the other twin, with nobody to lie to, drew from nothing for ever.
it('bft-4: a twin whose half of the others is empty comes to its end', () => {
  assert.equal(simulateLedger({ preset: 'bft-4', seed: 288, focus: 'epochs', twice: false }).failure, undefined)
})
