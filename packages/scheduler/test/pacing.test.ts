import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Bitmap } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import { Download } from '../src/index.ts'
import { catalogue, CHUNK_BYTES, download, requested } from './harness.ts'

const joined = { type: 'source-joined', source: 'a', have: 'complete', now: 0 } as const

describe('a chunk that somebody waits for', () => {
  test('goes before earlier stages', () => {
    const machine = download(400)
    machine.step({ type: 'prefer', chunks: [390], now: 0 })
    assert.equal(requested(machine.step(joined))[0], 390)
  })

  test('is asked for next in the middle of a download, of a partial source too', () => {
    const machine = download(400)
    machine.step(joined)
    machine.step({ type: 'source-joined', source: 'partial', have: Bitmap.full(400), now: 0 })
    machine.step({ type: 'prefer', chunks: [399, 398], now: 1 })
    const first = [...requested(answer(machine, 'a', 2)), ...requested(answer(machine, 'partial', 3))]
    assert.deepEqual(new Set(first.slice(0, 2)), new Set([398, 399]))
  })

  test('is asked of a complete source even if it is in the share of another node', () => {
    const machine = download(400)
    for (const source of ['b', 'c', 'd']) machine.step({ type: 'source-joined', source, have: new Bitmap(400), now: 0 })
    const wanted = new Set([395, 396, 397, 398, 399])
    machine.step({ type: 'prefer', chunks: [...wanted], now: 0 })
    assert.deepEqual(new Set(requested(machine.step(joined), 'a').slice(0, 4)).difference(wanted), new Set())
  })

  test('does not wait until a worthwhile request fits', () => {
    const machine = new Download({
      self: 'self',
      catalogue: { chunksCount: 400, chunkBytes: () => CHUNK_BYTES / 4, chunkStage: () => 'bulk' },
      have: new Bitmap(400),
      random: seededRandom(1),
      now: 0,
    })
    const chunk = requested(machine.step(joined)).find((asked) => asked !== 399)
    assert.deepEqual(requested(machine.step({ type: 'received', source: 'a', chunk: chunk!, now: 1 })), [])
    assert.equal(requested(machine.step({ type: 'prefer', chunks: [399], now: 1 }))[0], 399)
  })

  test('is urgent until it is placed, also after it came damaged', () => {
    const machine = download(400)
    machine.step({ type: 'source-joined', source: 'b', have: new Bitmap(400), now: 0 })
    machine.step({ type: 'prefer', chunks: [399], now: 0 })
    machine.step(joined)
    machine.step({ type: 'received', source: 'a', chunk: 399, now: 1 })
    machine.step({ type: 'bad', source: 'a', chunk: 399, now: 1 })
    assert.equal(requested(machine.step({ ...joined, source: 'c', now: 2 }), 'c')[0], 399)
  })
})

describe('a lost chunk', () => {
  test('is fetched again before the download is complete', () => {
    const have = Bitmap.full(4)
    have.clear(2)
    const machine = download(4, 1, have)
    machine.step({ type: 'lost', chunks: [1], now: 0 })
    assert.deepEqual(new Set(requested(machine.step(joined))), new Set([1, 2]))
    const ends = [2, 1].map((chunk) => {
      machine.step({ type: 'received', source: 'a', chunk, now: 1 })
      return machine.step({ type: 'delivered', chunk, now: 1 })
    })
    assert.deepEqual(ends, [[], [{ type: 'complete' }]])
  })

  test('that is not placed is left alone', () => {
    const machine = download(2)
    machine.step(joined)
    assert.deepEqual(machine.step({ type: 'lost', chunks: [0, 7], now: 1 }), [])
  })
})

describe('a bounded rate', () => {
  const rate = 4 * CHUNK_BYTES
  const paced = (count: number): Download =>
    new Download({
      self: 'self',
      catalogue: catalogue(count),
      have: new Bitmap(count),
      random: seededRandom(1),
      bytesPerSecondMax: rate,
      now: 0,
    })

  test('is kept over time, whatever the source gives, and reached', () => {
    const machine = paced(1000)
    machine.step(joined)
    for (let now = 10; now <= 20_000; now += 10) {
      machine.step({ type: 'tick', now })
      while (answer(machine, 'a', now).length > 0 || machine.outBytes > 0);
    }
    const perSecond = (machine.placedCount * CHUNK_BYTES) / 20
    assert.ok(perSecond <= rate * 1.05 && perSecond >= rate * 0.95, `${perSecond} B/s of ${rate}`)
  })

  test('is shared by the sources', () => {
    const machine = paced(1000)
    machine.step(joined)
    machine.step({ ...joined, source: 'b' })
    const bySource = { a: 0, b: 0 }
    for (let now = 100; now <= 10_000; now += 100) {
      for (const source of ['a', 'b'] as const) {
        for (let chunk = 0; chunk < 1000; chunk++) {
          if (!machine.isReceivable(source, chunk)) continue
          bySource[source] += 1
          machine.step({ type: 'received', source, chunk, now })
          machine.step({ type: 'delivered', chunk, now })
        }
      }
      machine.step({ type: 'tick', now })
    }
    assert.ok(Math.min(bySource.a, bySource.b) > Math.max(bySource.a, bySource.b) / 3, JSON.stringify(bySource))
  })

  test('counts frames: what a chunk is smaller on the wire may be asked for on top', () => {
    const machine = paced(1000)
    machine.step(joined)
    for (let now = 100; now <= 20_000; now += 100) {
      machine.step({ type: 'tick', now })
      while (answer(machine, 'a', now, CHUNK_BYTES / 2).length > 0 || machine.outBytes > 0);
    }
    const perSecond = (machine.placedCount * CHUNK_BYTES) / 20
    assert.ok(perSecond >= rate * 1.8 && perSecond <= rate * 2.1, `${perSecond} plain B/s`)
  })

  test('that makes everything wait is named as the reason of the stall', () => {
    const machine = new Download({
      self: 'self',
      catalogue: { chunksCount: 2, chunkBytes: () => 4 * 1024 * 1024, chunkStage: () => 'bulk' },
      have: new Bitmap(2),
      random: seededRandom(1),
      bytesPerSecondMax: 100_000,
      now: 0,
    })
    const [chunk] = requested(machine.step(joined))
    machine.step({ type: 'received', source: 'a', chunk: chunk!, now: 100 })
    machine.step({ type: 'delivered', chunk: chunk!, now: 100 })
    assert.equal(machine.stall(10_000), 'rate-limited')
    assert.equal(requested(machine.step({ type: 'tick', now: 42_500 })).length, 1)
  })
})

describe('a host that does not keep up', () => {
  test('is asked less of while its ticks come late, and as much as before when they do not', () => {
    const machine = download(2000)
    for (let i = 1; i <= 6; i++) machine.step({ type: 'tick', lateMs: 250, now: i * 350 })
    assert.equal(machine.slowed, 'host-busy')
    // Forty sources with a window of 256 KiB each would take more than the common window allows now.
    for (let i = 0; i < 40; i++) machine.step({ type: 'source-joined', source: `s${i}`, have: 'complete', now: 3_000 })
    assert.ok(machine.outBytes <= 8 * 1024 * 1024 + CHUNK_BYTES, `${machine.outBytes} bytes out`)
    for (let i = 0; i < 4; i++) machine.step({ type: 'tick', lateMs: 1, now: 3_100 + i })
    assert.equal(machine.slowed, undefined)
    assert.ok(machine.outBytes >= 10 * 1024 * 1024, `${machine.outBytes} bytes out`)
  })

  test('is slow to place when a chunk that arrived is not placed for a second', () => {
    const machine = download(40)
    const [chunk] = requested(machine.step(joined))
    machine.step({ type: 'received', source: 'a', chunk: chunk!, now: 100 })
    machine.step({ type: 'tick', now: 1_000 })
    assert.equal(machine.slowed, undefined)
    machine.step({ type: 'tick', now: 1_101 })
    assert.equal(machine.slowed, 'disk-slow')
    machine.step({ type: 'delivered', chunk: chunk!, now: 1_150 })
    machine.step({ type: 'tick', now: 1_200 })
    assert.equal(machine.slowed, undefined)
  })
})

/** `source` sends one chunk that it was asked for, and it is placed. */
function answer(machine: Download, source: string, now: number, frameBytes = CHUNK_BYTES): ReturnType<Download['step']> {
  for (let chunk = 0; chunk < 2000; chunk++) {
    if (!machine.isReceivable(source, chunk)) continue
    const effects = machine.step({ type: 'received', source, chunk, frameBytes, now })
    return [...effects, ...machine.step({ type: 'delivered', chunk, now })]
  }
  return []
}
