import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Bitmap } from '@cairn/protocol'
import type { Download, DownloadEffect, DownloadInput } from '../src/index.ts'
import { CHUNK_BYTES, download, requested } from './harness.ts'

const CHUNKS = 60
const DELTA_BYTES = 500

const joined = (source: string, more: Partial<Extract<DownloadInput, { type: 'source-joined' }>> = {}): DownloadInput => ({
  type: 'source-joined',
  source,
  have: 'complete',
  now: 0,
  ...more,
})
const offers = (source: string, chunks: Iterable<number>, frameBytes = DELTA_BYTES): DownloadInput => ({
  type: 'source-offers',
  source,
  sizes: Array.from(chunks, (chunk) => [chunk, frameBytes] as const),
  now: 0,
})
const all = (): Iterable<number> => Array(CHUNKS).keys()

interface Answering {
  /** Frame bytes of what a source sends; deltas where it offers them if absent. */
  readonly frameBytes?: (source: string, chunk: number) => number
  /** Milliseconds from each answer to the next. */
  readonly stepMs?: number
  readonly answer?: (source: string, chunk: number, now: number) => DownloadInput | undefined
}

/** Lets every source answer in the order in which it was asked; who sent which chunks. */
function run(
  machine: Download,
  inputs: readonly DownloadInput[],
  { frameBytes, stepMs = 1, answer }: Answering = {},
): Map<string, number[]> {
  const sent = new Map<string, number[]>()
  const queue: { readonly source: string; readonly chunk: number }[] = []
  let isOver = false
  const take = (effects: readonly DownloadEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'request') for (const chunk of effect.chunks) queue.push({ source: effect.source, chunk })
      if (effect.type === 'complete') isOver = true
    }
  }
  for (const input of inputs) take(machine.step(input))
  let now = 1
  for (; !isOver && now < 600_000; now += stepMs) {
    const next = queue.shift()
    if (next === undefined) now += 99
    else if (machine.isReceivable(next.source, next.chunk)) {
      const { source, chunk } = next
      const instead = answer?.(source, chunk, now)
      if (instead !== undefined) take(machine.step(instead))
      else {
        sent.set(source, [...(sent.get(source) ?? []), chunk])
        take(machine.step({ type: 'received', source, chunk, frameBytes: frameBytes?.(source, chunk) ?? DELTA_BYTES, now }))
        take(machine.step({ type: 'delivered', chunk, now }))
      }
    }
    take(machine.step({ type: 'tick', now }))
  }
  assert.ok(isOver, `${machine.placedCount} of ${CHUNKS} placed`)
  return sent
}

describe('what a source offers in fewer bytes', () => {
  test('is asked of it, and of nobody who would send all of it', () => {
    const sent = run(download(CHUNKS), [joined('near'), offers('near', all()), joined('whole')])
    assert.deepEqual([...sent.keys()], ['near'])
  })

  test('is all that is left to it: others are asked for the rest', () => {
    const half = Array.from(all()).filter((chunk) => chunk % 2 === 0)
    const sent = run(download(CHUNKS), [joined('near'), offers('near', half), joined('whole')])
    assert.ok(sent.get('whole')!.length > 0)
    assert.ok(sent.get('whole')!.every((chunk) => chunk % 2 === 1))
  })

  test('is asked of that source from the moment of the offer on', () => {
    const machine = download(CHUNKS)
    const before = requested(machine.step(joined('whole')))
    assert.ok(before.length > 0)
    const effects = [...machine.step(joined('near')), ...machine.step(offers('near', all()))]
    assert.deepEqual(requested(effects, 'whole'), [])
    assert.ok(requested(effects, 'near').length > 0)
  })

  test('is asked of anybody if it is hardly smaller', () => {
    const sent = run(download(CHUNKS), [joined('near'), offers('near', all(), CHUNK_BYTES / 2), joined('whole')])
    assert.ok(sent.get('whole')!.length > 0)
  })

  test('is asked of others when that source leaves', () => {
    const machine = download(CHUNKS)
    for (const input of [joined('near'), offers('near', all()), joined('whole')]) machine.step(input)
    assert.ok(requested(machine.step({ type: 'source-left', source: 'near', now: 5 }), 'whole').length > 0)
  })

  test('is asked of others while that source does not answer', () => {
    const machine = download(CHUNKS)
    for (const input of [joined('near'), offers('near', all()), joined('whole')]) machine.step(input)
    assert.deepEqual(requested(machine.step({ type: 'tick', now: 100 }), 'whole'), [])
    assert.ok(requested(machine.step({ type: 'tick', now: 700 }), 'whole').length > 0)
  })

  test('is asked of others if it has not got it after all', () => {
    const sent = run(download(CHUNKS), [joined('near'), offers('near', all()), joined('whole')], {
      answer: (source, chunk, now) =>
        source === 'near' && chunk % 3 === 0 ? { type: 'refused', source, chunk, code: 'not-found', now } : undefined,
    })
    assert.deepEqual(
      sent.get('whole')!.toSorted((a, b) => a - b),
      Array.from(all()).filter((chunk) => chunk % 3 === 0),
    )
  })

  test('is asked of others too where all of it would take that source too long', () => {
    const bytes = CHUNK_BYTES / 4
    const sent = run(download(CHUNKS), [joined('near'), offers('near', all(), bytes), joined('whole')], {
      // 110 KB/s: 9 s for all of it.
      frameBytes: () => bytes,
      stepMs: 150,
    })
    assert.ok(sent.get('whole')!.length > 0)
  })

  test('is asked of the caches as long as they are enough to spare the origin', () => {
    const origin = joined('origin', { isLastResort: true })
    const sent = run(download(CHUNKS), [joined('a'), joined('b'), joined('c'), origin, offers('origin', all())])
    // The three were asked before the offer was known; from then on they are asked all the same.
    assert.equal(sent.get('origin'), undefined)
  })

  test('is asked of the origin where fewer caches are there, and they have no deltas', () => {
    const origin = joined('origin', { isLastResort: true })
    const sent = run(download(CHUNKS), [origin, offers('origin', all()), joined('a'), joined('b')])
    assert.deepEqual([...sent.keys()], ['origin'])
  })

  test('by a peer that fetches the same is no offer', () => {
    const have = new Bitmap(CHUNKS)
    for (const chunk of all()) have.set(chunk)
    const sent = run(download(CHUNKS), [joined('peer', { have }), offers('peer', all()), joined('whole')])
    assert.ok(sent.get('whole')!.length > 0)
  })

  const preparing = (now: number, chunks: readonly number[] = [], isPreparing = true): DownloadInput => ({
    type: 'source-offers',
    source: 'near',
    sizes: chunks.map((chunk) => [chunk, DELTA_BYTES] as const),
    isPreparing,
    now,
  })

  /** What is asked for next when `near` has sent `chunks`. */
  const sentByNear = (machine: Download, chunks: readonly number[], now: number): number[] =>
    chunks.flatMap((chunk) => [
      ...requested(machine.step({ type: 'received', source: 'near', chunk, frameBytes: DELTA_BYTES, now })),
      ...requested(machine.step({ type: 'delivered', chunk, now })),
    ])

  test('may be told bit by bit: nothing else is asked for until it is said that this is all', () => {
    const machine = download(CHUNKS)
    const first = requested(machine.step(joined('near')))
    machine.step(preparing(1))
    assert.deepEqual(requested(machine.step(joined('whole', { now: 2 }))), [])
    const made = Array.from(all()).slice(30, 36)
    machine.step(preparing(3, made))
    const next = sentByNear(machine, first, 4)
    assert.ok(next.length > 0 && next.every((chunk) => made.includes(chunk)), next.join())
    assert.deepEqual(requested(machine.step({ type: 'prefer', chunks: [50], now: 5 })), [50])
    assert.ok(requested(machine.step(preparing(6, [], false)), 'whole').length > 0)
  })

  test('that never comes holds nothing up once its source does not answer, or leaves', () => {
    for (const end of [
      { type: 'tick', now: 700 },
      { type: 'source-left', source: 'near', now: 5 },
    ] as const) {
      const machine = download(CHUNKS)
      machine.step(joined('near'))
      machine.step(preparing(0))
      assert.deepEqual(requested(machine.step(joined('whole', { now: 1 }))), [])
      assert.ok(requested(machine.step(end), 'whole').length > 0)
    }
  })

  test('is no stall while it is being made', () => {
    const machine = download(CHUNKS)
    const first = requested(machine.step(joined('near')))
    machine.step(preparing(1))
    assert.deepEqual(sentByNear(machine, first, 2), [])
    assert.equal(machine.stall(60_000), undefined)
    machine.step({ type: 'source-left', source: 'near', now: 60_000 })
    assert.equal(machine.stall(60_000), 'no-source')
  })

  test('goes to the front when somebody waits for it, whoever has it', () => {
    const machine = download(CHUNKS)
    for (const input of [joined('near'), offers('near', all()), joined('whole')]) machine.step(input)
    const effects = machine.step({ type: 'prefer', chunks: [41], now: 2 })
    assert.deepEqual(requested(effects), [41])
  })
})
