import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bitmap } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import * as fc from 'fast-check'
import { Download, type DownloadEffect } from '../src/index.ts'
import { catalogue, simulate, type SimulatedSource } from './harness.ts'

const faulty: fc.Arbitrary<SimulatedSource> = fc
  .record({
    partial: fc.option(fc.array(fc.nat(59), { maxLength: 60 }), { nil: undefined }),
    badPercent: fc.constantFrom(0, 0, 20),
    refusedPercent: fc.constantFrom(0, 10),
    lostPercent: fc.constantFrom(0, 10),
  })
  .map(({ partial, ...rates }) => {
    if (partial === undefined) return { have: 'complete', ...rates }
    const have = new Bitmap(60)
    for (const chunk of partial) have.set(chunk)
    return { have, ...rates }
  })

const honest: SimulatedSource = { have: 'complete', badPercent: 0, refusedPercent: 0, lostPercent: 0 }

test('with one honest source a download completes whatever the others do, and nothing stays on the books', () => {
  fc.assert(
    fc.property(fc.array(faulty, { maxLength: 4 }), fc.nat(), (others, seed) => {
      const sources = Object.fromEntries(others.map((source, i) => [`faulty-${i}`, source] as const))
      const { download, effects } = simulate(60, { ...sources, honest }, seed)
      assert.ok(download.isComplete)
      assert.equal(effects.at(-1)?.type, 'complete')
      assert.ok(!effects.some((effect) => effect.type === 'penalize' && effect.source === 'honest' && effect.ban))
    }),
    { numRuns: 60 },
  )
})

test('replaying a trace with its seed gives the same effects in the same order', () => {
  fc.assert(
    fc.property(fc.array(faulty, { maxLength: 3 }), fc.nat(), (others, seed) => {
      const sources = Object.fromEntries(others.map((source, i) => [`faulty-${i}`, source] as const))
      const { trace, effects } = simulate(60, { ...sources, honest }, seed)
      const replay = new Download({
        self: 'self',
        catalogue: catalogue(60),
        have: new Bitmap(60),
        random: seededRandom(seed).fork('download'),
        now: 0,
      })
      const again: DownloadEffect[] = trace.flatMap((input) => [...replay.step(input)])
      assert.deepEqual(again, effects)
    }),
    { numRuns: 30 },
  )
})

test('without losses no chunk is fetched twice', () => {
  const { received } = simulate(500, { a: honest, b: honest, c: honest }, 7)
  assert.equal(received.size, 500)
  const twice = [...received.values()].filter((times) => times > 1).length
  assert.ok(twice <= 16, `${twice} chunks came twice`)
})
