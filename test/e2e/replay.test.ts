// Goal: what the scheduler decided in a real join, it decides again from the seed and the inputs in the trace, in the same order.
// Method: an origin, a cache and two nodes as processes; the cache gets `kill -9` in mid-join; the first node records its join.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { generateLedger } from '../datasets/index.ts'
import { Daemon } from './daemon.ts'
import { assertFails } from './failures.ts'
import { Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

const SNAPSHOT_BYTES = 48 * 1024 ** 2
const RATE = ['--max-rate', '12MiB/s']

interface TraceLine {
  readonly input: { readonly type: string; readonly source?: string }
  readonly effects: readonly { readonly type: string; readonly source: string; readonly chunks: readonly number[] }[]
}

describe('the trace of a real join', () => {
  let scene: Scene
  let trace: string
  let lines: readonly string[]
  before(async () => {
    scene = await Scene.create()
    const ledger = scene.path('ledger')
    await generateLedger({ path: ledger, bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    const workspace = await scene.init()
    const { chunks } = await scene.publish(workspace, ledger, 1, '--bootstrap', 'MANIFEST*')
    const origin = await scene.origin(workspace)
    const cache = await scene.cache(workspace, [origin], scene.path('store'))
    await cache.process.event('mirror-complete')
    trace = scene.path('join.trace')
    const peers = [origin, cache]
    const other = await Daemon.ready(scene.join({ workspace, peers, into: scene.path('other'), flags: [...RATE, '--stay'] }))
    const node = scene.join({ workspace, peers: [...peers, other], into: scene.path('joined'), flags: [...RATE, '--trace', trace] })
    await node.until('a chunk of the cache, and a quarter of all', () => {
      const received = node.eventsOf('chunk-received')
      return received.length >= chunks / 4 && received.some(({ peer }) => peer === cache.peer) ? true : undefined
    })
    await cache.process.kill()
    await node.succeeded()
    await assertSameTree(scene.path('joined'), ledger)
    lines = (await readFile(trace, 'utf8')).split('\n').slice(0, -1)
    const inputs = lines.slice(1).map((line) => (JSON.parse(line) as TraceLine).input)
    const sources = new Set(inputs.flatMap(({ type, source }) => (type === 'source-joined' ? [source] : [])))
    assert.deepEqual(sources, new Set([origin.peer, cache.peer, other.peer]))
    assert.ok(inputs.some(({ type, source }) => type === 'source-left' && source === cache.peer))
  })
  after(() => scene[Symbol.asyncDispose]())

  it('replayed, gives the same requests in the same order', async () => {
    const [replayed] = (await scene.succeed('replay', trace)).eventsOf('replayed')
    const requests = lines.slice(1).flatMap((line) => (JSON.parse(line) as TraceLine).effects.filter(({ type }) => type === 'request'))
    assert.ok(requests.length > 10)
    assert.deepEqual(replayed, { type: 'replayed', trace, downloads: 1, steps: lines.length - 1, requests: requests.length })
  })

  it('of which one line was changed, is refused with the number of that line', async () => {
    const at = lines.findIndex((line, i) => i > lines.length / 2 && line.includes('"type":"request"'))
    const changed = lines[at]!.replace(/"chunks":\[(\d+)/, (_, chunk: string) => `"chunks":[${Number(chunk) + 1}`)
    assert.notEqual(changed, lines[at])
    const path = scene.path('changed.trace')
    await writeFile(path, [...lines.with(at, changed), ''].join('\n'))
    const message = new RegExp(`changed\\.trace:${at + 1}: was changed`)
    await assertFails(scene.cairn('replay', path), { exitCode: 3, code: 'TRACE_ALTERED', message })
  })

  it('that is none is a usage error', async () => {
    const path = scene.path('empty.trace')
    await writeFile(path, '')
    await assertFails(scene.cairn('replay', path), { exitCode: 2, code: 'USAGE', message: /holds no trace/ })
    await assertFails(scene.cairn('replay', scene.path('none')), { exitCode: 2, code: 'USAGE', message: /there is no such file/ })
  })
})
