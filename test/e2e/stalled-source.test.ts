// Goal: a source that stops in the middle is given up and named, with both rates, and the join completes from the other.
// Method: a cache that gets SIGSTOP: its connections stay open, and nothing more comes from it.
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { generateLedger } from '../datasets/index.ts'
import { Daemon } from './daemon.ts'
import { Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

const SNAPSHOT_BYTES = 64 * 1024 ** 2
/** After so many chunks it is known how fast it is. */
const CHUNKS_BEFORE = 8

describe('a source that stalls', () => {
  let data: Scene
  let workspace: string
  before(async () => {
    data = await Scene.create()
    await generateLedger({ path: data.path('ledger'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    workspace = await data.init()
    await data.publish(workspace, data.path('ledger'), 1)
  })
  after(() => data[Symbol.asyncDispose]())

  it('is dropped, told of in the log, the metrics and the status, and done without', async () => {
    await using scene = await Scene.create()
    const origin = await scene.origin(workspace)
    const cache = await scene.cache(workspace, [origin], scene.path('store'))
    await cache.process.event('mirror-complete')
    const node = scene.join({
      workspace,
      peers: [origin, cache],
      into: scene.path('joined'),
      // Slow enough for the cache to be missed long before the end, however busy the machine is.
      flags: ['--http', '127.0.0.1:0', '--stay', '--log-level', 'warn', '--max-rate', '8MiB/s'],
    })
    const joining = await Daemon.ready(node)
    await node.until(`${CHUNKS_BEFORE} chunks of the cache`, () =>
      node.eventsOf('chunk-received').filter(({ peer }) => peer === cache.peer).length >= CHUNKS_BEFORE ? true : undefined,
    )
    process.kill(cache.process.pid!, 'SIGSTOP')
    const dropped = await node.event('source-dropped')
    assert.deepEqual([dropped['peer'], dropped['reason']], [cache.peer, 'stalled'])
    await node.event('joined')
    await assertSameTree(scene.path('joined'), data.path('ledger'))

    const lines = node.stderr.split('\n').filter((line) => line.includes('source-dropped'))
    const [log] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    assert.deepEqual([log?.['level'], log?.['peer'], log?.['reason']], ['warn', cache.peer, 'stalled'])
    assert.ok(Number(log?.['bytesPerSecond']) > 0 && Number(log?.['othersBytesPerSecond']) > 0, lines.join('\n'))
    assert.ok((await joining.metric('cairn_sources_dropped_total')) >= 1)
    const status = (await joining.status()).peers.find(({ peer }) => peer === cache.peer)
    assert.match(status?.dropped ?? '', /^stalled: it sent nothing for [\d.]+ s, after \d+ KiB\/s where the others give \d+ KiB\/s$/)
  })
})
