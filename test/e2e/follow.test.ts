// Goal: a node that follows has, at every instant, one whole published version at `current`, whatever is published and whenever it is killed.
// Method: one origin and a slow node; ten versions, one in mid-join and some faster than it can fetch; `kill -9` at random instants; a reader
// that never stops. Replay: SEED=… npm test
import assert from 'node:assert/strict'
import { cp, lstat, mkdir, open, readdir, readlink, realpath, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Random, randomBelow, seededRandom, systemRandom } from '@cairn/runtime'
import type { CairnProcess } from './cairn-process.ts'
import type { Daemon } from './daemon.ts'
import { LEDGER, Scene } from './harness.ts'
import { readTree, type Tree } from './trees.ts'

const FILES = 8
const FILE_BYTES = 1024 ** 2
const VERSIONS = 10
const KILLS = 5
/** So that a version takes the node a second or so, and the next is out before that. */
const RATE = '6MiB/s'
const MOMENT_MS_MAX = 1500
/** Of what two versions take that share nothing. */
const DISK_SHARE_MAX = 1.3

const SEED = process.env['SEED'] ?? String(systemRandom.u32())

describe('following', () => {
  let scene: Scene
  let workspace: string
  let origin: Daemon
  const published = new Map<number, Tree>()
  const random = seededRandom(SEED)
  before(async () => {
    scene = await Scene.create()
    workspace = await scene.init()
    await release(1)
    origin = await scene.origin(workspace)
  })
  after(() => scene[Symbol.asyncDispose]())

  it(`leaves one whole version at current, over ${VERSIONS} versions and ${KILLS} kills`, async (context) => {
    context.diagnostic(`SEED=${SEED}`)
    let node = follow()
    const reader = new Reader(scene.path('node'), published)
    await node.until('the first chunk', () => (node.eventsOf('chunk-received').length > 0 ? true : undefined))
    let kills = 0
    for (let height = 2; height <= VERSIONS; height++) {
      await release(height)
      if (kills >= KILLS) continue
      await delay(randomBelow(random, MOMENT_MS_MAX))
      await node.kill()
      kills += 1
      node = follow()
    }
    await node.event('version-switched', (event) => event['height'] === VERSIONS)
    const { reads, heights, diskBytesMax } = await reader.stop()
    await node.stop()
    assert.equal(await readlink(scene.path('node', 'current')), join('versions', `${VERSIONS}`))
    for (const name of await readdir(scene.path('node', 'versions'))) {
      const state = scene.path('node', 'versions', name)
      if (name.includes('.')) continue
      assert.deepEqual(await readTree(state), published.get(Number(name)), `version ${name}; SEED=${SEED}`)
    }
    const share = diskBytesMax / (2 * FILES * FILE_BYTES)
    context.diagnostic(`${reads} reads saw versions ${[...heights].join(', ')}; ${share.toFixed(2)} of two versions on the disk at most`)
    assert.ok(reads > 0 && heights.size > 0)
    assert.ok(share <= DISK_SHARE_MAX, `${share} of two versions; SEED=${SEED}`)
  })

  it('goes back to the version before, and stays there', async () => {
    const before = Number((await readlink(scene.path('node', 'current'))).split('/')[1])
    const rollback = await scene.succeed('rollback', scene.path('node'))
    const { height } = await rollback.event('rolled-back-to')
    assert.ok(Number(height) < before)
    const node = follow()
    await node.event('usable')
    await node.event('metadata-refreshed')
    await node.stop()
    assert.equal(await readlink(scene.path('node', 'current')), join('versions', String(height)))
    assert.deepEqual(await readTree(await realpath(scene.path('node', 'current'))), published.get(Number(height)))
    await scene.succeed('verify', scene.path('node'))
  })

  function follow(): CairnProcess {
    return scene.join({ workspace, peers: [origin], into: scene.path('node'), release: LEDGER, flags: ['--follow', '--max-rate', RATE] })
  }

  /** Publishes the next version: some files change in places, one is new, one is renamed. */
  async function release(height: number): Promise<void> {
    const path = scene.path('published', `${height}`)
    if (height > 1) await cp(scene.path('published', `${height - 1}`), path, { recursive: true })
    for (let file = 0; height === 1 && file < FILES; file++) await write(join(path, `file-${file}`), FILE_BYTES, random)
    if (height > 1) {
      await change(join(path, `file-${height % FILES}`), random)
      await change(join(path, `file-${(height + 3) % FILES}`), random)
      await rm(join(path, `added-${height - 1}`), { force: true })
      await write(join(path, `added-${height}`), 100_000, random)
      await rename(join(path, `file-${(height + 5) % FILES}`), join(path, 'swap'))
      await rename(join(path, `file-${(height + 6) % FILES}`), join(path, `file-${(height + 5) % FILES}`))
      await rename(join(path, 'swap'), join(path, `file-${(height + 6) % FILES}`))
    }
    published.set(height, await readTree(path))
    await scene.publish(workspace, path, height, '--profile', 'edge')
  }
})

async function write(path: string, bytes: number, random: Random): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await using file = await open(path, 'w')
  const content = Buffer.alloc(bytes)
  for (let at = 0; at + 4 <= bytes; at += 4) content.writeUInt32LE(random.u32(), at)
  await file.writeFile(content)
}

async function change(path: string, random: Random): Promise<void> {
  await using file = await open(path, 'r+')
  const block = Buffer.alloc(4096)
  for (let at = 0; at < block.byteLength; at += 4) block.writeUInt32LE(random.u32(), at)
  for (let i = 0; i < 4; i++) await file.write(block, 0, block.byteLength, randomBelow(random, FILE_BYTES - block.byteLength))
}

/** Reads `current` over and over, and how much is on the disk, until it is told to stop. */
class Reader {
  readonly #root: string
  readonly #published: ReadonlyMap<number, Tree>
  readonly #running: Promise<void>
  #isStopping = false
  #reads = 0
  #diskBytesMax = 0
  readonly #heights = new Set<number>()

  constructor(root: string, published: ReadonlyMap<number, Tree>) {
    this.#root = root
    this.#published = published
    this.#running = this.#run()
    this.#running.catch(() => {})
  }

  async stop(): Promise<{ readonly reads: number; readonly heights: ReadonlySet<number>; readonly diskBytesMax: number }> {
    this.#isStopping = true
    await this.#running
    return { reads: this.#reads, heights: this.#heights, diskBytesMax: this.#diskBytesMax }
  }

  async #run(): Promise<void> {
    const current = join(this.#root, 'current')
    while (!this.#isStopping) {
      const name = await readlink(current).catch(() => undefined)
      if (name !== undefined) {
        const height = Number(name.split('/')[1])
        const tree = await readTree(join(this.#root, name)).catch((error: unknown) => error)
        // A reader that is slower than two versions finds its own gone, and never another one's files in it.
        if (!(tree instanceof Error)) assert.deepEqual(tree, this.#published.get(height), `current, when it was ${height}; SEED=${SEED}`)
        else if ((await readlink(current)) === name) throw tree
        this.#reads += 1
        this.#heights.add(height)
      }
      this.#diskBytesMax = Math.max(this.#diskBytesMax, await diskBytes(join(this.#root, 'versions')))
      await delay(20)
    }
  }
}

/** What the files below `root` take, each once. */
async function diskBytes(root: string): Promise<number> {
  const byInode = new Map<number, number>()
  for (const path of await readdir(root, { recursive: true }).catch(() => [])) {
    const stats = await lstat(join(root, path)).catch(() => undefined)
    if (stats?.isFile() === true) byInode.set(stats.ino, stats.blocks * 512)
  }
  return byInode.values().reduce((sum, bytes) => sum + bytes, 0)
}
