import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Bitmap } from '@cairn/protocol'
import type { Download, DownloadInput } from '../src/index.ts'
import { download, requested } from './harness.ts'

const CHUNKS = 200

function joined(source: string, init: Partial<Extract<DownloadInput, { type: 'source-joined' }>> = {}): DownloadInput {
  return { type: 'source-joined', source, have: 'complete', now: 0, ...init }
}

/** Sources that something is asked of when `inputs` have happened. */
function asked(machine: Download, ...inputs: readonly DownloadInput[]): Set<string> {
  const sources = new Set<string>()
  for (const input of inputs) {
    for (const effect of machine.step(input)) if (effect.type === 'request') sources.add(effect.source)
  }
  return sources
}

describe('a source of last resort', () => {
  const caches = ['a', 'b', 'c'].map((source) => joined(source))
  const origin = joined('origin', { isLastResort: true })

  test('is asked while fewer than three others have everything', () => {
    assert.ok(asked(download(CHUNKS), ...caches.slice(1), origin).has('origin'))
    const partial = joined('partial', { have: new Bitmap(CHUNKS) })
    assert.ok(asked(download(CHUNKS), ...caches.slice(1), partial, origin).has('origin'))
  })

  test('is left alone while three others have everything', () => {
    assert.deepEqual(asked(download(CHUNKS), ...caches, origin), new Set(['a', 'b', 'c']))
  })

  test('is asked again when one of the three goes', () => {
    const machine = download(CHUNKS)
    asked(machine, ...caches, origin)
    assert.ok(asked(machine, { type: 'source-left', source: 'b', now: 10 }).has('origin'))
  })

  test('is asked for all when it is alone', () => {
    const machine = download(3)
    assert.equal(requested(machine.step(origin)).length, 3)
  })
})
