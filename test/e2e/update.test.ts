// Goal: a directory becomes another version by fetching what that adds, whenever it is killed, and one that others worked in is mended by
// fetching what is nowhere in it.
import assert from 'node:assert/strict'
import { appendFile, cp, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { randomBelow, seededRandom, systemRandom } from '@cairn/runtime'
import { generateLedger } from '../datasets/index.ts'
import type { CairnProcess } from './cairn-process.ts'
import type { Daemon } from './daemon.ts'
import { fetchedBytes, LEDGER, Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

const SNAPSHOT_BYTES = 32 * 1024 ** 2
/** A chunk on either side of a change is another one. */
const CHUNK_BYTES_MAX = 1024 ** 2
/** What one kill may throw away: asked for, and neither delivered nor written down. */
const IN_FLIGHT_BYTES_MAX = 16 * 1024 ** 2
const KILLS = 4
/** An update of this size takes about that long. */
const MOMENT_MS_MAX = 400

const SEED = process.env['SEED'] ?? String(systemRandom.u32())

describe('a directory that holds a version', () => {
  let scene: Scene
  let workspace: string
  let origin: Daemon
  before(async () => {
    scene = await Scene.create()
    await generateLedger({ path: scene.path('1'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    await cp(scene.path('1'), scene.path('2'), { recursive: true })
    const [largest, second, third] = await largestFiles(scene.path('2'))
    await edit(scene.path('2', largest!))
    await appendFile(scene.path('2', second!), Buffer.alloc(100_000, 7))
    await rename(scene.path('2', third!), scene.path('2', 'renamed'))
    workspace = await scene.init()
    for (const height of [1, 2]) await scene.publish(workspace, scene.path(`${height}`), height)
    origin = await scene.origin(workspace)
  })
  after(() => scene[Symbol.asyncDispose]())

  const joinAt = (height: number, into: string, ...flags: readonly string[]): CairnProcess =>
    scene.join({ workspace, peers: [origin], into: scene.path(into), release: `${LEDGER}@${height}`, flags })

  it('becomes another one, and the one before again, wherever it is killed', async (context) => {
    context.diagnostic(`SEED=${SEED}`)
    const random = seededRandom(SEED)
    await joinAt(1, 'joined').succeeded()
    const runs: CairnProcess[] = []
    for (let kill = 0; kill < KILLS; kill++) {
      const run = joinAt(1 + ((kill + 1) % 2), 'joined')
      runs.push(run)
      await run.event('manifest-loaded')
      await delay(randomBelow(random, MOMENT_MS_MAX))
      await run.kill()
    }
    for (const height of [2, 1]) {
      const run = joinAt(height, 'joined')
      runs.push(run)
      await run.succeeded()
      await assertSameTree(scene.path('joined'), scene.path(`${height}`))
      await scene.succeed('verify', scene.path('joined'))
    }
    const ended = runs.filter((run) => run.eventsOf('joined').length > 0).length
    const bytes = fetchedBytes(...runs)
    context.diagnostic(`${ended} of ${runs.length} runs came to their end; ${bytes} plain bytes fetched in all`)
    // Of each run no more than the changed chunks.
    assert.ok(bytes <= runs.length * 4 * CHUNK_BYTES_MAX, `${bytes} bytes; SEED=${SEED}`)
  })

  it('that is half there becomes another one, and nothing that both have is fetched again', async () => {
    const begun = joinAt(1, 'half')
    await begun.until('half of it', () => (fetchedBytes(begun) > SNAPSHOT_BYTES / 2 ? true : undefined))
    await begun.kill()
    const run = joinAt(2, 'half')
    await run.succeeded()
    await assertSameTree(scene.path('half'), scene.path('2'))
    assert.ok(fetchedBytes(begun, run) <= SNAPSHOT_BYTES + IN_FLIGHT_BYTES_MAX + 4 * CHUNK_BYTES_MAX)
    const [planned] = run.eventsOf('planned')
    assert.equal(fetchedBytes(run), planned?.['bytesToFetch'])
  })

  it('gets what is near to what it has as deltas', async () => {
    await joinAt(1, 'near').succeeded()
    const run = joinAt(2, 'near')
    await run.succeeded()
    const [planned] = run.eventsOf('planned')
    const [joined] = run.eventsOf('joined')
    assert.ok(Number(planned?.['chunksAsDelta']) > 0)
    assert.ok(Number(joined?.['fetchedBytes']) < Number(planned?.['bytesToFetch']) / 4, `${String(joined?.['fetchedBytes'])} bytes`)
    await assertSameTree(scene.path('near'), scene.path('2'))
  })

  it('is made from another directory that is named', async () => {
    const run = joinAt(2, 'seeded', '--seed', scene.path('1'))
    await run.succeeded()
    await assertSameTree(scene.path('seeded'), scene.path('2'))
    assert.ok(fetchedBytes(run) <= 4 * CHUNK_BYTES_MAX, `${fetchedBytes(run)} bytes`)
  })

  it('is mended after others worked in it, by what is in it and little else', async () => {
    await joinAt(1, 'damaged').succeeded()
    const [renamed, cut, written, shifted, removed] = await largestFiles(scene.path('damaged'))
    const path = (name: string | undefined): string => scene.path('damaged', name!)
    await rename(path(renamed), path('other-name'))
    await truncate(path(cut), 600_000)
    await edit(path(written))
    await writeFile(path(shifted), Buffer.concat([Buffer.from('in front'), await readFile(path(shifted))]))
    const lostBytes = (await stat(path(removed))).size + (await stat(scene.path('1', cut!))).size - 600_000
    await rm(path(removed))

    const verify = scene.cairn('verify', scene.path('damaged'))
    assert.equal((await verify.exit()).exitCode, 3)
    const [verified] = verify.eventsOf('verified')
    assert.deepEqual(new Set(verified?.['altered'] as string[]), new Set([cut, written, shifted]))
    assert.deepEqual(new Set(verified?.['missing'] as string[]), new Set([renamed, removed]))
    assert.deepEqual(verified?.['renamed'], [{ path: renamed, found: 'other-name' }])

    const trust = ['--trust', join(workspace, 'root.json'), '--peer', origin.address]
    const repair = await scene.succeed('verify', scene.path('damaged'), '--repair', ...trust)
    await assertSameTree(scene.path('damaged'), scene.path('1'))
    const bytes = fetchedBytes(repair)
    assert.ok(bytes >= lostBytes / 2 && bytes <= lostBytes + 4 * CHUNK_BYTES_MAX, `${bytes} bytes for ${lostBytes} that were lost`)
  })
})

/** Names of the files in `directory`, the largest first. */
async function largestFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory)
  const sizes = await Promise.all(names.map(async (name) => ({ name, stats: await stat(join(directory, name)) })))
  const files = sizes.filter(({ stats }) => stats.isFile())
  return files.toSorted((a, b) => b.stats.size - a.stats.size || a.name.localeCompare(b.name)).map(({ name }) => name)
}

/** Changes some bytes in the middle. */
async function edit(path: string): Promise<void> {
  await using file = await open(path, 'r+')
  await file.write(Buffer.alloc(100, 0xa5), 0, 100, 500_000)
}
