import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Bitmap } from '@cairn/protocol'
import type { Download, DownloadEffect } from '../src/index.ts'
import { CHUNK_BYTES, download, requested } from './harness.ts'

const SOURCE_CHUNKS_PER_TICK = 20

const joined = (source: string, have: 'complete' | Bitmap = 'complete', now = 0) => ({ type: 'source-joined', source, have, now }) as const

/** Runs `machine` in steps of 100 ms; `answers` says which of the chunks that `source` owes it sends now. Returns every effect, with its time. */
class Run {
  readonly effects: (DownloadEffect & { readonly atMs: number })[] = []
  readonly machine: Download
  readonly #owed = new Map<string, number[]>()
  now = 0

  constructor(machine: Download, ...sources: readonly string[]) {
    this.machine = machine
    for (const source of sources) this.feed(joined(source))
  }

  feed(input: Parameters<Download['step']>[0]): void {
    for (const effect of this.machine.step(input)) {
      this.effects.push({ ...effect, atMs: this.now })
      if (effect.type === 'request') this.owedBy(effect.source).push(...effect.chunks)
    }
  }

  owedBy(source: string): number[] {
    const owed = this.#owed.get(source) ?? []
    this.#owed.set(source, owed)
    return owed
  }

  send(source: string, count: number): void {
    for (const chunk of this.owedBy(source).splice(0, count)) {
      const wanted = this.machine.isReceivable(source, chunk)
      this.feed({ type: 'received', source, chunk, now: this.now })
      if (wanted) this.feed({ type: 'delivered', chunk, now: this.now })
    }
  }

  /** `source` answers what it was told to cancel. */
  cancel(source: string): void {
    for (const chunk of this.owedBy(source).splice(0)) this.feed({ type: 'refused', source, chunk, code: 'cancelled', now: this.now })
  }

  until(untilMs: number, eachTick: (run: this) => void): this {
    while (this.now < untilMs) {
      this.now += 100
      eachTick(this)
      this.feed({ type: 'tick', now: this.now })
    }
    return this
  }

  of<Type extends DownloadEffect['type']>(type: Type): (Extract<DownloadEffect, { type: Type }> & { readonly atMs: number })[] {
    return this.effects.filter(
      (effect): effect is Extract<DownloadEffect, { type: Type }> & { readonly atMs: number } => effect.type === type,
    )
  }

  get drops(): readonly string[] {
    return this.of('source-dropped').map(({ source, reason }) => `${source} ${reason}`)
  }
}

const goodOnly = (run: Run): void => run.send('good', SOURCE_CHUNKS_PER_TICK)

describe('a source that is much slower than the others', () => {
  // One chunk in 2 s beside twenty in 100 ms.
  const slowly = (run: Run): void => {
    goodOnly(run)
    if (run.now % 2_000 === 0) run.send('slow', 1)
  }

  test('is dropped when a chunk of its is out for a second, and what it owes is fetched elsewhere', () => {
    const run = new Run(download(4_000), 'good', 'slow')
    const owed = [...run.owedBy('slow')]
    assert.ok(owed.length * CHUNK_BYTES <= 256 * 1024, 'it is not given more than the first window')
    run.until(1_500, slowly)
    const [drop] = run.of('source-dropped')
    assert.deepEqual([drop?.source, drop?.reason], ['slow', 'too-slow'])
    assert.ok(drop!.atMs <= 1_100, `dropped after ${drop!.atMs} ms`)
    assert.ok(drop!.bytesPerSecond * 16 < drop!.othersBytesPerSecond, JSON.stringify(drop))
    assert.ok(owed.every((chunk) => requested(run.effects, 'good').includes(chunk)))
    const cancelled = run.of('cancel').filter(({ source }) => source === 'slow')
    assert.deepEqual(new Set(cancelled.map(({ chunk }) => chunk)), new Set(owed))
    assert.deepEqual(run.of('penalize'), [], 'to be slow is no fault')
  })

  test('is tried again after a while with one small request, and left alone for twice as long if it is as slow', () => {
    const run = new Run(download(40_000), 'good', 'slow').until(1_500, slowly)
    run.cancel('slow')
    const [first] = run.of('source-dropped')
    run.effects.length = 0
    run.until(first!.atMs + first!.retryInMs! + 300, goodOnly)
    const [trial, ...more] = run.of('request').filter(({ source }) => source === 'slow')
    assert.equal(trial?.chunks.length, 1)
    assert.deepEqual(more, [])
    run.until(run.now + 1_500, goodOnly)
    const [second] = run.of('source-dropped')
    assert.deepEqual([second?.reason, second?.retryInMs], ['too-slow', 2 * first!.retryInMs!])
  })

  test('is taken back when it has become quick', () => {
    const run = new Run(download(40_000), 'good', 'slow').until(1_500, slowly)
    run.cancel('slow')
    run.effects.length = 0
    run.until(8_000, (r) => {
      goodOnly(r)
      r.send('slow', SOURCE_CHUNKS_PER_TICK)
    })
    assert.deepEqual(
      run.of('source-restored').map(({ source }) => source),
      ['slow'],
    )
    assert.ok(run.of('request').filter(({ source }) => source === 'slow').length > 3, 'it is asked for more and more')
  })

  test('is not tried again as long as it has not answered what it was asked before', () => {
    const run = new Run(download(40_000), 'good', 'slow').until(1_500, goodOnly)
    run.effects.length = 0
    run.until(20_000, goodOnly)
    assert.deepEqual(requested(run.effects, 'slow'), [])
  })

  test('is kept when it is the only one', () => {
    const run = new Run(download(40), 'slow').until(30_000, slowly)
    assert.deepEqual(run.drops, [])
    assert.ok(run.machine.placedCount > 10)
  })

  test('is kept while it alone has something that is missing, and dropped once it has not', () => {
    const machine = download(4_000)
    const run = new Run(machine, 'slow')
    const have = Bitmap.full(4_000)
    const [own] = run.owedBy('slow')
    have.clear(own!)
    run.feed(joined('good', have))
    run.until(3_000, goodOnly)
    assert.deepEqual(run.drops, [])
    run.feed({ type: 'source-has', source: 'good', chunks: [own!], now: run.now })
    run.until(3_200, goodOnly)
    assert.deepEqual(run.drops, ['slow too-slow'])
  })

  test('is taken back at once when the others leave', () => {
    const run = new Run(download(4_000), 'good', 'slow').until(1_500, slowly)
    assert.deepEqual(run.drops, ['slow too-slow'])
    run.cancel('slow')
    run.feed({ type: 'source-left', source: 'good', now: run.now })
    run.until(1_600, () => {})
    assert.deepEqual(
      run.of('source-restored').map(({ source }) => source),
      ['slow'],
    )
    assert.ok(run.owedBy('slow').length > 0)
  })

  test('is kept when the others are as slow', () => {
    const run = new Run(download(400), 'a', 'b', 'c').until(60_000, (r) => {
      if (r.now % 2_000 === 0) for (const source of ['a', 'b', 'c']) r.send(source, 1)
    })
    assert.deepEqual(run.drops, [])
  })
})

describe('a source that stalls', () => {
  const both = (run: Run): void => {
    goodOnly(run)
    run.send('bad', 4)
  }

  test('is dropped within a second, is told of, and what it owes is fetched elsewhere', () => {
    const run = new Run(download(4_000), 'good', 'bad').until(1_000, both)
    const owed = [...run.owedBy('bad')]
    assert.ok(owed.length > 0)
    run.until(2_300, goodOnly)
    assert.deepEqual(run.drops, ['bad stalled'])
    const [drop] = run.of('source-dropped')
    assert.ok(drop!.atMs <= 2_000 && drop!.silentMs >= 900, JSON.stringify(drop))
    assert.deepEqual(
      run.of('penalize').map(({ source, fault, ban }) => [source, fault, ban]),
      [['bad', 'stalled', false]],
    )
    assert.ok(owed.every((chunk) => requested(run.effects, 'good').includes(chunk)))
  })

  test('holds no room of the common window, and what comes of it after all is accounted for', () => {
    const run = new Run(download(4_000), 'good', 'bad').until(1_000, both)
    const owed = run.owedBy('bad').length
    run.until(2_000, goodOnly)
    assert.deepEqual(run.drops, ['bad stalled'])
    // With everything from the good source answered, nothing is out.
    run.feed({ type: 'source-left', source: 'good', now: run.now })
    assert.equal(run.machine.outBytes, 0)
    run.send('bad', owed)
    assert.equal(run.machine.outBytes, run.owedBy('bad').length * CHUNK_BYTES)
  })

  test('is not blamed when nothing comes from anybody: then it is our own link', () => {
    const run = new Run(download(4_000), 'good', 'bad').until(1_000, both).until(8_000, () => {})
    assert.deepEqual(run.drops, [])
  })

  test('is not blamed for what this machine did not read while it was busy', () => {
    const run = new Run(download(4_000), 'good', 'bad').until(1_000, both)
    run.now = 3_000
    run.send('good', 1)
    run.feed({ type: 'tick', now: run.now, lateMs: 1_900 })
    run.until(3_500, both)
    assert.deepEqual(run.drops, [])
  })

  test('loses the last chunks to another source before it is dropped', () => {
    const run = new Run(download(60), 'good', 'bad').until(2_000, goodOnly)
    const [complete] = run.of('complete')
    assert.ok(complete !== undefined && complete.atMs <= 1_000, `complete at ${complete?.atMs} ms`)
  })
})

describe('hedges', () => {
  test('what somebody waits for is asked of a second source sooner', () => {
    const asked = (prefers: boolean): number => {
      const machine = download(4_000)
      const run = new Run(machine, 'slow', 'good')
      // Nothing is bootstrap but the first tenth: let that be over.
      run.until(1_000, (r) => {
        r.send('good', 100)
        r.send('slow', 4)
      })
      for (let i = 0; i < 12; i++) {
        // Its responses take half a second, which is usual for it.
        run.until(run.now + 500, (r) => r.send('good', SOURCE_CHUNKS_PER_TICK))
        run.send('slow', run.owedBy('slow').length)
      }
      const [chunk] = run.owedBy('slow')
      if (prefers) run.feed({ type: 'prefer', chunks: [chunk!], now: run.now })
      run.effects.length = 0
      run.until(run.now + 900, (r) => r.send('good', SOURCE_CHUNKS_PER_TICK))
      const hedge = run.of('request').find((effect) => effect.source === 'good' && effect.chunks.includes(chunk!))
      return (hedge?.atMs ?? Number.POSITIVE_INFINITY) - (run.now - 900)
    }
    assert.ok(asked(true) < asked(false), `${asked(true)} ms and ${asked(false)} ms`)
  })

  test('a loser that answers its cancel gives its share of the budget back', () => {
    const run = new Run(download(12), 'slow', 'good')
    // Each of the last chunks is rescued, although the budget alone allows for two.
    const rescued = new Set<number>()
    run.until(6_000, (r) => {
      r.send('good', 4)
      for (const { source, chunk } of r.of('cancel')) if (source === 'slow') rescued.add(chunk)
      const told = r.owedBy('slow').filter((chunk) => rescued.has(chunk))
      for (const chunk of told) {
        r.owedBy('slow').splice(r.owedBy('slow').indexOf(chunk), 1)
        r.feed({ type: 'refused', source: 'slow', chunk, code: 'cancelled', now: r.now })
      }
    })
    assert.ok(run.machine.isComplete)
    assert.ok(rescued.size >= 3, `${rescued.size} chunks`)
  })
})
