import assert from 'node:assert/strict'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import {
  chunkCid,
  type CID,
  cidDigest,
  decodeDelta,
  decodeFrame,
  deltaRecipe,
  type DeltaSource,
  pageCidFromDigest,
  type SnapshotIndex,
  sha256,
  CHUNK_BYTES_MAX,
} from '@cairn/protocol'
import { seededRandom, silentReporter, systemClock } from '@cairn/runtime'
import { FsBlockReader } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'
import { DeltaJobs } from '../src/deltas/delta-jobs.ts'
import { WorkspaceDeltas } from '../src/deltas/workspace-deltas.ts'
import type { OriginEvent } from '../src/events.ts'
import { publish, type PublishInit, type PublishSummary, Workspace } from '../src/index.ts'
import { DELTA_JOBS_MAX, DELTA_RELEASES } from '../src/limits.ts'
import { WorkspaceSource } from '../src/release-sources.ts'
import { temporaryDirectory } from './temporary.ts'

const LEDGER = 'sample'
const STATE_BYTES = 1_200_000

describe('publishing after other releases', () => {
  it('makes deltas from each of the last four, which are the chunks that they name', async () => {
    await using place = await Place.make()
    for (let height = 1; height <= DELTA_RELEASES + 1; height++) await place.publish(height)
    const { deltas, release } = await place.publish(6)
    assert.deepEqual(
      deltas.map(({ fromHeight }) => fromHeight),
      [5, 4, 3, 2],
    )
    for (const { chunksChanged, deltasCount, deltaBytes, frameBytes, fetchBytes, from } of deltas) {
      assert(chunksChanged > 0)
      assert.equal(deltasCount, chunksChanged)
      assert.equal(deltaBytes, fetchBytes)
      assert(fetchBytes < frameBytes / 20, `${fetchBytes} of ${frameBytes} bytes`)
      assert.equal(await place.checkDeltas(from, release.manifest), deltasCount)
    }
  })

  it('makes as many as it is told to, and none where nothing is near', async () => {
    await using place = await Place.make()
    await place.publish(1)
    assert.deepEqual((await place.publish(2, { deltasFrom: 0 })).deltas, [])
    await writeFile(join(place.tree, 'state'), noise('something else', STATE_BYTES))
    const [delta, ...rest] = (await place.publish(3, { deltasFrom: 1 }, false)).deltas
    assert.equal(rest.length, 0)
    assert.equal(delta?.deltasCount, 0)
    assert.equal(delta.fetchBytes, delta.frameBytes)
  })

  it('makes a chunk whose every few bytes were changed from what was at its place', async () => {
    await using place = await Place.make()
    await place.publish(1)
    const state = noise('state', STATE_BYTES)
    for (let at = 0; at < STATE_BYTES; at += 24) state[at] = state[at]! ^ 1
    await writeFile(join(place.tree, 'state'), state)
    const second = await place.publish(2, {}, false)
    const [delta] = second.deltas
    assert(delta !== undefined && delta.deltasCount > 0 && delta.fetchBytes < delta.frameBytes, JSON.stringify(delta))
    assert.equal(await place.checkDeltas(delta.from, second.release.manifest), delta.deltasCount)
  })

  it('does without sketches that are gone or damaged, and without copies of chunks', async () => {
    await using place = await Place.make()
    const old = join(place.path, 'old')
    await mkdir(old)
    await writeFile(join(old, 'state'), noise('state', STATE_BYTES))
    const first = await place.publish(1, { directory: old, store: 'reference' })
    const sketch = join(place.workspace.sketchesPath, `${first.release.manifest.toString()}.sketches`)
    await writeFile(sketch, 'damaged')
    const [delta] = (await place.publish(2, { store: 'reference', profile: 'auto' })).deltas
    assert.equal(delta?.deltasCount, delta?.chunksChanged)
    await rm(sketch)
    // What the old snapshot was made of has changed since: there is nothing to make deltas from, and nothing to sketch.
    const third = await place.publish(3, { store: 'reference', profile: 'auto' })
    assert.equal(third.deltas.length, 2)
  })
})

describe('DeltaJobs', () => {
  it('makes what is asked for, also the way back, one after the other', async () => {
    await using place = await Place.make()
    const [first, second] = [await place.publish(1), await place.publish(2, { deltasFrom: 0 })]
    const [v1, v2] = [first.release.manifest, second.release.manifest]
    await using served = await place.serve([v1, v2])
    const { jobs } = served
    assert.deepEqual(await jobs.offer(v2, v1), { state: 'preparing' })
    assert.deepEqual(await jobs.offer(v1, v2), { state: 'preparing' })
    assert.deepEqual(await jobs.offer(v2, v1), { state: 'preparing' })
    await served.until('deltas-made', 2)
    const [forth, back] = [await jobs.offer(v2, v1), await jobs.offer(v1, v2)]
    assert(forth.state === 'ready' && back.state === 'ready')
    assert.equal(forth.sizes?.size, await place.checkDeltas(v1, v2))
    assert.equal(back.sizes?.size, await place.checkDeltas(v2, v1))
  })

  it('offers nothing for snapshots that are not served, nor from one to itself', async () => {
    await using place = await Place.make()
    const [first, second] = [await place.publish(1), await place.publish(2, { deltasFrom: 0 })]
    const [v1, v2] = [first.release.manifest, second.release.manifest]
    await using served = await place.serve([v2])
    assert.deepEqual(await served.jobs.offer(v2, v1), { state: 'none' })
    assert.deepEqual(await served.jobs.offer(v2, v2), { state: 'none' })
    assert.deepEqual(await readdir(place.workspace.deltasPath), [])
  })

  it('has a bound for what waits to be made', async () => {
    await using place = await Place.make()
    const [to, ...others] = Array.from({ length: DELTA_JOBS_MAX + 2 }, (_, i) => pageCidFromDigest(sha256(Uint8Array.of(i))))
    await using served = await place.serve([to!, ...others])
    const offers = await Promise.all(others.map((from) => served.jobs.offer(to!, from)))
    assert.equal(offers.filter(({ state }) => state === 'preparing').length, DELTA_JOBS_MAX)
    assert.deepEqual(offers.at(-1), { state: 'none' })
  })

  it('says so when it fails, and does not try again at once', async () => {
    await using place = await Place.make()
    const [first, second] = [await place.publish(1), await place.publish(2, { deltasFrom: 0 })]
    const [v1, v2] = [first.release.manifest, second.release.manifest]
    await using served = await place.serve([v1, v2])
    await rm(place.workspace.deltasPath, { recursive: true })
    await writeFile(place.workspace.deltasPath, 'not a directory')
    assert.deepEqual(await served.jobs.offer(v2, v1), { state: 'preparing' })
    await served.until('deltas-failed', 1)
    assert.deepEqual(await served.jobs.offer(v2, v1), { state: 'none' })
  })
})

/** A workspace, and a directory that is published over and over, each time with some bytes changed. */
class Place implements AsyncDisposable {
  readonly path: string
  readonly workspace: Workspace
  readonly #directory: AsyncDisposable

  private constructor(path: string, workspace: Workspace, directory: AsyncDisposable) {
    this.path = path
    this.workspace = workspace
    this.#directory = directory
  }

  static async make(): Promise<Place> {
    const directory = await temporaryDirectory()
    const workspacePath = join(directory.path, 'w')
    await Workspace.init(workspacePath, { ledger: LEDGER, network: 'test', clock: systemClock })
    await mkdir(join(directory.path, 'tree'))
    return new Place(directory.path, await Workspace.open(workspacePath, systemClock), directory)
  }

  get tree(): string {
    return join(this.path, 'tree')
  }

  async publish(height: number, more: Partial<PublishInit> = {}, writes = true): Promise<PublishSummary> {
    if (writes) {
      const state = noise('state', STATE_BYTES)
      for (let at = 50_000; at < STATE_BYTES; at += 100_000) state[at] = height
      await writeFile(join(this.tree, 'state'), state)
    }
    return publish({
      workspace: this.workspace,
      directory: this.tree,
      ledger: LEDGER,
      height,
      profile: 'edge',
      threadsCount: 1,
      tool: 'test',
      clock: systemClock,
      reporter: silentReporter,
      ...more,
    })
  }

  /** Rebuilds every chunk that has a delta; how many those are. */
  async checkDeltas(from: CID, to: CID): Promise<number> {
    await using blocks = new FsBlockReader(this.workspace.blocksPath)
    await using deltas = await WorkspaceDeltas.open({ workspace: this.workspace, source: blocks, clock: systemClock })
    const [old, next] = [await loadManifest(from, blocks), await loadManifest(to, blocks)]
    let count = 0
    for (let chunk = 0; chunk < next.chunksCount; chunk++) {
      const delta = await deltas.sets.delta(next.chunkCid(chunk), [from])
      if (delta === undefined) continue
      const bases = await Promise.all(deltaRecipe(delta)!.bases.map((digest) => plainOf(digest, old, blocks)))
      const source: DeltaSource = {
        basesBytes: bases.map(({ byteLength }) => byteLength),
        fill: (into, base, offset) => into.set(bases[base]!.subarray(offset, offset + into.byteLength)),
      }
      assert.deepEqual(sha256(decodeDelta(delta, source, next.chunkBytes(chunk))), cidDigest(next.chunkCid(chunk)))
      count += 1
    }
    return count
  }

  async serve(snapshots: readonly CID[]): Promise<Served> {
    return Served.start(this.workspace, snapshots)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#directory[Symbol.asyncDispose]()
  }
}

/** The deltas of a workspace as an origin serves them. */
class Served implements AsyncDisposable {
  readonly jobs: DeltaJobs
  readonly #events: OriginEvent[] = []
  readonly #stack: AsyncDisposableStack
  #heard: () => void = () => {}

  private constructor(deltas: WorkspaceDeltas, snapshots: readonly CID[], stack: AsyncDisposableStack) {
    this.#stack = stack
    const isServed = (snapshot: CID): boolean => snapshots.some((served) => served.equals(snapshot))
    const report = (event: OriginEvent): void => {
      this.#events.push(event)
      this.#heard()
    }
    this.jobs = stack.use(new DeltaJobs({ deltas, isServed, clock: systemClock, reporter: { report } }))
  }

  static async start(workspace: Workspace, snapshots: readonly CID[]): Promise<Served> {
    const stack = new AsyncDisposableStack()
    const blocks = stack.use(new FsBlockReader(workspace.blocksPath))
    const source = new WorkspaceSource(blocks, () => {})
    const deltas = stack.use(await WorkspaceDeltas.open({ workspace, source, clock: systemClock }))
    return new Served(deltas, snapshots, stack)
  }

  /** Resolves when `count` events of `type` were reported. */
  async until(type: OriginEvent['type'], count: number): Promise<void> {
    while (this.#events.filter((event) => event.type === type).length < count) {
      await new Promise<void>((resolve) => (this.#heard = resolve))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

async function plainOf(digest: Uint8Array, old: SnapshotIndex, blocks: FsBlockReader): Promise<Uint8Array> {
  assert(old.findChunk(digest) !== undefined, 'every base is a chunk of the old snapshot')
  const frame = await blocks.get(chunkCid(digest.slice()))
  return decodeFrame(frame!, CHUNK_BYTES_MAX)
}

function noise(seed: string, bytes: number): Buffer {
  const random = seededRandom(seed)
  const buffer = Buffer.alloc(bytes)
  for (let at = 0; at + 4 <= bytes; at += 4) buffer.writeUInt32LE(random.u32(), at)
  return buffer
}
