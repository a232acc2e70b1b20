import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Bitmap } from '@cairn/protocol'
import { catalogue, CHUNK_BYTES, download, requested } from './harness.ts'
import { Download } from '../src/index.ts'
import { seededRandom } from '@cairn/runtime'

const joined = (source: string, have: 'complete' | Bitmap = 'complete', now = 0) => ({ type: 'source-joined', source, have, now }) as const

/** Lets complete source `source` answer at once whatever it is asked for, until it is asked for nothing more; returns the chunks. */
function drain(machine: Download, source: string, now: number): number[] {
  const chunks: number[] = []
  let asked = requested([...machine.step(joined(source, 'complete', now)), ...machine.step({ type: 'tick', now })], source)
  while (asked.length > 0) {
    chunks.push(...asked)
    asked = asked.flatMap((chunk) => [
      ...requested(machine.step({ type: 'received', source, chunk, now }), source),
      ...requested(machine.step({ type: 'delivered', chunk, now }), source),
    ])
  }
  return chunks
}

describe('a chunk that arrived and cannot be used', () => {
  test('is asked for again, of whoever has it, and nobody is blamed', () => {
    const machine = download(1)
    machine.step(joined('a'))
    machine.step({ type: 'received', source: 'a', chunk: 0, now: 10 })
    assert.equal(machine.outBytes, CHUNK_BYTES)
    const effects = machine.step({ type: 'unusable', chunk: 0, now: 20 })
    assert.deepEqual(requested(effects), [0])
    assert.deepEqual(
      effects.map(({ type }) => type),
      ['request'],
    )
    machine.step({ type: 'received', source: 'a', chunk: 0, now: 30 })
    assert.deepEqual(machine.step({ type: 'delivered', chunk: 0, now: 40 }), [{ type: 'complete' }])
    assert.equal(machine.outBytes, 0)
  })
})

describe('what is asked first', () => {
  test('bootstrap chunks come before bulk chunks', () => {
    const asked = requested(download(40).step(joined('a')))
    assert.equal(asked.length, 4) // the first window of 256 KiB
    assert.ok(asked.every((chunk) => chunk < 4))
  })

  test('two seeds ask in different orders', () => {
    const first = requested(download(400, 'one').step(joined('a')))
    const second = requested(download(400, 'two').step(joined('a')))
    assert.notDeepEqual(first, second)
  })

  test('a chunk that somebody waits for goes first within its stage', () => {
    const machine = download(400)
    machine.step({ type: 'prefer', chunks: [17, 3], now: 0 })
    assert.deepEqual(requested(machine.step(joined('a')))[0], 3)
  })

  test('chunks that a partial source has are left to it', () => {
    const machine = download(8)
    const half = new Bitmap(8)
    for (const chunk of [0, 1, 2, 3]) half.set(chunk)
    machine.step(joined('partial', half))
    const asked = requested(machine.step(joined('complete')), 'complete')
    assert.ok(asked.length > 0 && asked.every((chunk) => chunk >= 4), asked.join())
  })

  test('nodes that join together ask the origin for different chunks, and for what is left of a share whose owner stalls', () => {
    const machines = ['one', 'two'].map(
      (self) => new Download({ self, catalogue: catalogue(80), have: new Bitmap(80), random: seededRandom(self), now: 0 }),
    )
    const asked = machines.map((machine, i) => {
      machine.step(joined(['two', 'one'][i]!, new Bitmap(80)))
      return drain(machine, 'origin', 0)
    })
    assert.deepEqual(
      asked[0]!.filter((chunk) => asked[1]!.includes(chunk)),
      [],
    )
    const rest = drain(machines[0]!, 'origin', 2_000)
    assert.equal(asked[0]!.length + rest.length, 80, 'what the silent peer did not fetch was fetched all the same')
  })

  test('what is already here is not asked for', () => {
    const have = Bitmap.full(4)
    have.clear(2)
    assert.deepEqual(requested(download(4, 1, have).step(joined('a'))), [2])
  })
})

describe('faults', () => {
  test('a bad chunk bans its source and is asked of another one', () => {
    const machine = download(4)
    const [chunk] = requested(machine.step(joined('bad')))
    machine.step(joined('good'))
    machine.step({ type: 'received', source: 'bad', chunk: chunk!, now: 10 })
    const effects = machine.step({ type: 'bad', source: 'bad', chunk: chunk!, now: 11 })
    assert.deepEqual(effects[0], { type: 'penalize', source: 'bad', fault: 'bad-chunk', chunk, ban: true })
    assert.ok(requested(effects, 'good').includes(chunk!))
  })

  test('the last source is not banned, but three bad chunks end the download', () => {
    const machine = download(1)
    machine.step(joined('only'))
    let now = 0
    const verdicts = [1, 2, 3].map(() => {
      machine.step({ type: 'received', source: 'only', chunk: 0, now })
      const effects = machine.step({ type: 'bad', source: 'only', chunk: 0, now })
      now += 5_000
      machine.step({ type: 'tick', now })
      return effects.map((effect) => effect.type)
    })
    assert.deepEqual(verdicts, [['penalize'], ['penalize'], ['penalize', 'failed']])
  })

  // A hostile source that is connected a moment before the good one must not end the join with what it had been asked for at once.
  test('bad chunks that were on their way together count once against the last source', () => {
    const machine = download(8)
    const asked = requested(machine.step(joined('first')))
    assert.ok(asked.length >= 4)
    const effects = asked.flatMap((chunk) => [
      ...machine.step({ type: 'received', source: 'first', chunk, frameBytes: CHUNK_BYTES, now: 10 }),
      ...machine.step({ type: 'bad', source: 'first', chunk, now: 11 }),
    ])
    assert.ok(!effects.some(({ type }) => type === 'failed'))
    const rescued = machine.step(joined('second', 'complete', 500))
    assert.ok(rescued.some((effect) => effect.type === 'penalize' && effect.source === 'first' && effect.ban))
    assert.deepEqual(requested(rescued, 'second').length > 0, true)
  })

  test('a source with bad chunks on its account is banned as soon as another one joins', () => {
    const machine = download(1)
    machine.step(joined('first'))
    machine.step({ type: 'received', source: 'first', chunk: 0, now: 1 })
    machine.step({ type: 'bad', source: 'first', chunk: 0, now: 1 })
    const effects = machine.step(joined('second', 'complete', 2))
    assert.ok(effects.some((effect) => effect.type === 'penalize' && effect.source === 'first' && effect.ban))
    assert.deepEqual(requested(effects, 'second'), [0])
  })

  test('a chunk that does not come in time is asked of somebody else and the silent source gets no more', () => {
    const machine = download(8)
    const asked = requested(machine.step(joined('silent')))
    const effects = [...machine.step(joined('other', 'complete', 10_000)), ...machine.step({ type: 'tick', now: 10_000 })]
    assert.equal(effects.filter((effect) => effect.type === 'penalize' && effect.fault === 'timeout').length, 1)
    for (let now = 10_001; !machine.isComplete && now < 10_100; now++) {
      for (let chunk = 0; chunk < 8; chunk++) {
        if (!machine.isReceivable('other', chunk)) continue
        machine.step({ type: 'received', source: 'other', chunk, now })
        machine.step({ type: 'delivered', chunk, now })
      }
    }
    assert.ok(machine.isComplete, `chunks ${asked.join()} were fetched elsewhere`)
  })

  test('a late answer is still welcome', () => {
    const machine = download(1)
    machine.step(joined('slow'))
    machine.step({ type: 'tick', now: 20_000 })
    machine.step({ type: 'received', source: 'slow', chunk: 0, now: 20_001 })
    assert.deepEqual(machine.step({ type: 'delivered', chunk: 0, now: 20_002 }), [{ type: 'complete' }])
    assert.equal(machine.outBytes, 0)
  })

  test('what a leaving source owed is asked of the others', () => {
    const machine = download(4)
    const asked = requested(machine.step(joined('leaving')))
    machine.step(joined('staying'))
    const effects = machine.step({ type: 'source-left', source: 'leaving', now: 5 })
    assert.deepEqual(new Set(requested(effects, 'staying')), new Set(asked))
  })

  test('a chunk that a complete source does not have is not asked of it again', () => {
    const machine = download(1)
    machine.step(joined('hollow'))
    const effects = machine.step({ type: 'refused', source: 'hollow', chunk: 0, code: 'not-found', now: 1 })
    assert.deepEqual(requested(effects), [])
    assert.deepEqual(requested(machine.step({ type: 'tick', now: 60_000 })), [])
    assert.equal(machine.stall(60_000), 'no-source-has-it')
  })
})

describe('end-game', () => {
  test('the last chunk is asked of a second source after a while, and the loser is cancelled', () => {
    const machine = download(1)
    machine.step(joined('first'))
    assert.deepEqual(requested(machine.step(joined('second'))), [])
    assert.deepEqual(requested(machine.step({ type: 'tick', now: 600 }), 'second'), [0])
    assert.deepEqual(requested(machine.step(joined('third', 'complete', 1_200))), [])
    const effects = machine.step({ type: 'received', source: 'second', chunk: 0, now: 1_300 })
    assert.deepEqual(effects, [{ type: 'cancel', source: 'first', chunk: 0 }])
  })
})

describe('bounds and stalls', () => {
  test('one source never has more in flight than its window', () => {
    const machine = download(10_000)
    let outMax = 0
    machine.step(joined('a'))
    for (let now = 1; now < 400; now++) {
      for (let chunk = 0; chunk < 10_000; chunk++) {
        if (!machine.isReceivable('a', chunk)) continue
        machine.step({ type: 'received', source: 'a', chunk, now })
        machine.step({ type: 'delivered', chunk, now })
        break
      }
      outMax = Math.max(outMax, machine.outBytes)
    }
    assert.ok(outMax > 512 * 1024, 'the window grows')
    assert.ok(outMax <= 16 * 1024 * 1024 + 4 * CHUNK_BYTES, `${outMax} bytes in flight`)
  })

  test('chunks that are received but not placed hold the next requests back', () => {
    const machine = download(10_000)
    machine.step(joined('a'))
    for (let now = 1; now < 2_000; now++) {
      for (let chunk = 0; chunk < 10_000; chunk++) {
        if (!machine.isReceivable('a', chunk)) continue
        machine.step({ type: 'received', source: 'a', chunk, now })
        break
      }
    }
    assert.ok(machine.outBytes <= 16 * 1024 * 1024, `${machine.outBytes} bytes are out`)
    assert.equal(machine.stall(60_000), 'placing-slow')
  })

  test('a stall names its reason', () => {
    const machine = download(4)
    assert.equal(machine.stall(1_000), undefined)
    assert.equal(machine.stall(4_000), 'no-source')
    machine.step({ type: 'source-joined', source: 'empty', have: new Bitmap(4), now: 4_000 })
    assert.equal(machine.stall(8_000), 'no-source-has-it')
    machine.step(joined('slow', 'complete', 8_000))
    assert.equal(machine.stall(9_000), 'sources-slow')
  })

  test('an empty snapshot is complete at the first input', () => {
    const machine = new Download({ self: 'self', catalogue: catalogue(0), have: new Bitmap(0), random: seededRandom(1), now: 0 })
    assert.deepEqual(machine.step({ type: 'tick', now: 0 }), [{ type: 'complete' }])
  })
})

test('a source that says anew that it has a chunk is asked for it again', () => {
  const machine = download(1)
  machine.step(joined('cache'))
  machine.step({ type: 'refused', source: 'cache', chunk: 0, code: 'not-found', now: 1 })
  assert.deepEqual(requested(machine.step({ type: 'source-has', source: 'cache', chunks: [0], now: 2 })), [0])
})
