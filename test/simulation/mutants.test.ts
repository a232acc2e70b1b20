import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { FOCI, type LedgerPreset } from '@cairn/simulator'
import type { Mutant } from '../../packages/ledger/test/mutation/mutant.ts'
import { MUTANTS } from '../../packages/ledger/test/mutation/mutants.ts'
import { showBite } from '../../scripts/mutants/bite.ts'
import { type HuntPlan, Sandbox } from '../../scripts/mutants/sandbox.ts'

/** One of each kind, that few seeds kill: `npm run mutants` takes all of them. */
const QUICK = ['a fast quorum of one less', 'votes leave before they are durable', 'first votes are forgotten in a crash']

describe('the mutation gate', () => {
  it('has at least forty mutants, each of its own and in its place', () => {
    assert.ok(MUTANTS.length >= 40)
    assert.equal(new Set(MUTANTS.map(({ name }) => name)).size, MUTANTS.length)
    for (const { name, package: home, file, find, focus } of MUTANTS) {
      const text = readFileSync(new URL(`../../packages/${home}/src/${file}`, import.meta.url), 'utf8')
      assert.equal(text.split(find).length, 2, `${name}: its text stands once in ${file}`)
      assert.ok(focus === undefined || (FOCI as readonly string[]).includes(focus), `${name}: no run is about ${focus}`)
    }
  })

  it('lets the engine live as it is', async () => {
    await using sandbox = await Sandbox.create(undefined)
    assert.deepEqual(await sandbox.hunt(huntOf(['cft-3', 'bft-4'], 2), 60_000), { killed: false, seeds: 4 })
    assert.equal(await sandbox.failsByHand(60_000), false)
  })

  it('kills by a schedule made for it what seeds rarely show', async () => {
    const mutant = MUTANTS.find(({ name }) => name === 'a final block waits for those above it') as Mutant
    await using sandbox = await Sandbox.create(mutant)
    assert.equal(await sandbox.failsByHand(60_000), true)
  })

  for (const name of QUICK) {
    it(`kills: ${name}`, async () => {
      const mutant = MUTANTS.find((each) => each.name === name) as Mutant
      await using sandbox = await Sandbox.create(mutant)
      const hunt = await sandbox.hunt(huntOf(['cft-3', 'bft-4', 'cft-5'], 20), 120_000)
      assert.equal(hunt.killed, true)
    })
  }

  it('bites: three mutants or more name the check that finds them, and one of them lives without it', async () => {
    const named = MUTANTS.filter(({ foundBy }) => foundBy !== undefined)
    assert.ok(named.length >= 3)
    const mutant = named.find(({ name }) => name === 'proposals leave before they are durable')
    assert.ok(mutant)
    const { seedsWith, seedsWithout, killedBy } = await showBite(mutant, [{ presets: ['cft-3', 'bft-4'], seedsMax: 10 }])
    assert.equal(killedBy, undefined)
    assert.ok(seedsWith !== undefined && seedsWith < seedsWithout)
  })
})

function huntOf(presets: readonly LedgerPreset[], seedsMax: number): HuntPlan {
  return { schedules: [{ presets, seedsMax }], without: [] }
}
