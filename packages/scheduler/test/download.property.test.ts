import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Bitmap } from '@cairn/protocol'
import * as fc from 'fast-check'
import { type DownloadEffect, type DownloadInput, replayTrace } from '../src/index.ts'
import { recordedTrace, simulate, type SimulatedSource } from './harness.ts'

const faulty: fc.Arbitrary<SimulatedSource> = fc
  .record({
    partial: fc.option(fc.array(fc.nat(59), { maxLength: 60 }), { nil: undefined }),
    badPercent: fc.constantFrom(0, 0, 20),
    refusedPercent: fc.constantFrom(0, 10),
    lostPercent: fc.constantFrom(0, 10),
    everyMs: fc.option(fc.constantFrom(20, 400, 3_000), { nil: undefined }),
    stallsAtMs: fc.option(fc.nat(3_000), { nil: undefined }),
  })
  .map(({ partial, everyMs, stallsAtMs, ...chances }) => {
    const rates = { ...chances, ...(everyMs === undefined ? {} : { everyMs }), ...(stallsAtMs === undefined ? {} : { stallsAtMs }) }
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
      const lines = recordedTrace(60, { ...sources, honest }, seed)
      const { fault, stepsCount } = replayTrace(lines)
      assert.deepEqual([fault, stepsCount], [undefined, lines.length - 1])
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

test('a source is dropped only if others have all that is missing, and every chunk is awaited from two sources at most', () => {
  fc.assert(
    fc.property(fc.array(faulty, { minLength: 1, maxLength: 4 }), fc.nat(), (others, seed) => {
      const sources = Object.fromEntries(others.map((source, i) => [`faulty-${i}`, source] as const))
      const { steps, trace, effects } = simulate(60, { ...sources, honest: { ...honest, everyMs: 5 } }, seed)
      assert.equal(effects.at(-1)?.type, 'complete')
      const books = new Books(Object.keys(sources).concat('honest'))
      for (const [i, input] of trace.entries()) books.follow(input, steps[i]!)
    }),
    { numRuns: 60 },
  )
})

/** Follows what a caller sees, and checks it. */
class Books {
  /** Which sources each chunk is awaited from: asked, not answered, not told to cancel. */
  readonly #awaited = new Map<number, Set<string>>()
  readonly #live: Set<string>

  constructor(sources: readonly string[]) {
    this.#live = new Set(sources)
  }

  follow(input: DownloadInput, effects: readonly DownloadEffect[]): void {
    if (input.type === 'received' || input.type === 'refused') this.#awaited.get(input.chunk)?.delete(input.source)
    for (const effect of effects) {
      switch (effect.type) {
        case 'request':
          for (const chunk of effect.chunks) this.#awaitFrom(chunk, effect.source)
          break
        case 'cancel':
          this.#awaited.get(effect.chunk)?.delete(effect.source)
          break
        case 'source-dropped':
          this.#live.delete(effect.source)
          for (const sources of this.#awaited.values()) sources.delete(effect.source)
          assert.ok(this.#live.size > 0, 'the last source is dropped')
          assert.ok(effect.reason === 'bad-chunk' || effect.retryInMs! > 0)
          break
        case 'source-restored':
          this.#live.add(effect.source)
          break
        default:
      }
    }
  }

  #awaitFrom(chunk: number, source: string): void {
    const sources = this.#awaited.get(chunk) ?? new Set()
    this.#awaited.set(chunk, sources)
    assert.ok(!sources.has(source), `chunk ${chunk} is asked of ${source} twice`)
    sources.add(source)
    assert.ok(sources.size <= 2, `chunk ${chunk} is awaited from ${[...sources].join()}`)
  }
}
