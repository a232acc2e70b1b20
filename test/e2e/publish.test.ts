import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, open, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { generateLedger, generateOddTree } from '../datasets/index.ts'
import { assertFails } from './failures.ts'
import { LEDGER, Scene } from './harness.ts'
import { assertSameTree, readTree } from './trees.ts'

const LEDGER_BYTES = 16 * 1024 ** 2

describe('publish', { concurrency: 2 }, () => {
  let data: Scene
  before(async () => {
    data = await Scene.create()
    await generateLedger({ path: data.path('ledger'), bytes: LEDGER_BYTES, seed: 1, version: 1 })
  })
  after(() => data[Symbol.asyncDispose]())

  it('gives the same name to the same content, wherever and whenever it is published', async () => {
    await using scene = await Scene.create()
    await cp(data.path('ledger'), scene.path('copy'), { recursive: true })
    for (const name of Object.keys(await readTree(scene.path('copy')))) await utimes(scene.path('copy', name), 1e9, 1e9)
    const [here, elsewhere] = [await scene.init('here'), await scene.init('elsewhere')]

    const first = await scene.publish(here, data.path('ledger'), 7)
    const again = await scene.publish(here, data.path('ledger'), 7)
    const copied = await scene.publish(elsewhere, scene.path('copy'), 7)

    assert.equal(again.snapshot, first.snapshot)
    assert.equal(again.storedBytes, 0)
    assert.equal(copied.snapshot, first.snapshot)
  })

  it('refuses other content at a height that is taken, and replaces it when told to', async () => {
    await using scene = await Scene.create()
    const workspace = await scene.init()
    await mkdir(scene.path('state'))
    await writeFile(scene.path('state', 'file'), 'one')
    const before = await scene.publish(workspace, scene.path('state'), 1)
    await writeFile(scene.path('state', 'file'), 'two')
    const target = ['publish', scene.path('state'), '--workspace', workspace, '--ledger', LEDGER, '--height', '1']
    await assertFails(scene.cairn(...target), { exitCode: 2, code: 'CONFLICT', message: new RegExp(before.snapshot) })
    await scene.succeed(...target, '--replace')
  })

  it('carries every name, permission, link and empty thing unharmed', async () => {
    await using scene = await Scene.create()
    await generateOddTree(scene.path('odd'))
    const workspace = await scene.init()
    await scene.publish(workspace, scene.path('odd'), 1, '--bootstrap', 'copies/*', '--hot', '石塚/*')
    const origin = await scene.origin(workspace)
    await scene.join({ workspace, peers: [origin], into: scene.path('joined') }).succeeded()
    await assertSameTree(scene.path('joined'), scene.path('odd'))
    await scene.succeed('verify', scene.path('joined'))
  })

  it('carries an empty directory', async () => {
    await using scene = await Scene.create()
    await mkdir(scene.path('nothing'))
    const workspace = await scene.init()
    await scene.publish(workspace, scene.path('nothing'), 1)
    const origin = await scene.origin(workspace)
    await scene.join({ workspace, peers: [origin], into: scene.path('joined') }).succeeded()
    assert.deepEqual(await readTree(scene.path('joined')), {})
  })

  it('refuses pipes and sockets with their path', async () => {
    await using scene = await Scene.create()
    const workspace = await scene.init()
    const [withPipe, withSocket] = [scene.path('with-pipe'), scene.path('with-socket')]
    for (const directory of [withPipe, withSocket]) {
      await mkdir(join(directory, 'inside'), { recursive: true })
      await writeFile(join(directory, 'file'), 'content')
    }
    await promisify(execFile)('mkfifo', [join(withPipe, 'inside', 'pipe')])
    const server = createServer().listen(join(withSocket, 'inside', 'socket'))
    await once(server, 'listening')
    try {
      for (const [directory, message] of [
        [withPipe, /inside\/pipe/],
        [withSocket, /inside\/socket/],
      ] as const) {
        const process = scene.cairn('publish', directory, '--workspace', workspace, '--ledger', LEDGER, '--height', '1')
        await assertFails(process, { exitCode: 5, code: 'UNSUPPORTED_FILE', message })
      }
    } finally {
      server.close()
    }
    const { events } = await scene.succeed('list', '--workspace', workspace)
    assert.deepEqual(
      events.filter((event) => 'height' in event),
      [],
      'what was refused is not published',
    )
  })

  it('serves the published directory itself with --store reference, until it is changed', async () => {
    await using scene = await Scene.create()
    await cp(data.path('ledger'), scene.path('state'), { recursive: true })
    const workspace = await scene.init()
    const { bytes, storedBytes } = await scene.publish(workspace, scene.path('state'), 1, '--store', 'reference')
    assert.ok(storedBytes < bytes / 100, `${storedBytes} bytes stored for a snapshot of ${bytes}`)
    const origin = await scene.origin(workspace)
    await scene.join({ workspace, peers: [origin], into: scene.path('joined') }).succeeded()
    await assertSameTree(scene.path('joined'), data.path('ledger'))

    const changed = Object.keys(await readTree(scene.path('state'))).find((name) => name.endsWith('.ldb'))!
    await using file = await open(scene.path('state', changed), 'r+')
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, 1000)
    await file.write(Buffer.of(buffer[0]! ^ 1), 0, 1, 1000)

    const late = scene.join({ workspace, peers: [origin], into: scene.path('late'), flags: ['--timeout', '2s'] })
    const { path } = await origin.process.event('source-changed')
    assert.equal(path, changed)
    await assertFails(late, { exitCode: 4, code: 'NO_SOURCE', message: /no connected source has what is missing/ })
    assert.equal(await origin.metric('cairn_sources_changed_total'), 1)
  })
})
