import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { plainFrame, type StageClass } from '@cairn/protocol'
import { openPlaceStore, type PlaceStore } from '@cairn/storage'
import { type SampleEntry, sampleBytes, sampleSnapshot } from '@cairn/storage/testing'
import { StageCommitter } from '../src/stage-committer.ts'

const snapshot = sampleSnapshot([file('bootstrap', 'head', 20_000), file('hot', 'state', 40_000), file('bulk', 'blocks', 60_000)])
const { index } = snapshot

describe('StageCommitter', () => {
  it('commits each stage with its last chunk', async () => {
    await using world = await World.create()
    await world.place('bootstrap')
    assert.deepEqual(world.committed, ['bootstrap'])
    await world.place('hot')
    await world.place('bulk')
    assert.deepEqual(world.committed, ['bootstrap', 'hot', 'bulk'])
  })

  // A later stage may need what is in an earlier one, so it is usable only after it.
  it('holds a stage back that is whole before the ones it follows', async () => {
    await using world = await World.create()
    await world.place('bulk')
    await world.place('hot')
    assert.deepEqual(world.committed, [])
    await world.place('bootstrap')
    assert.deepEqual(world.committed, ['bootstrap', 'hot', 'bulk'])
  })

  it('commits each stage once, however the chunks come in', async () => {
    await using world = await World.create()
    await Promise.all((['bulk', 'hot', 'bootstrap'] as const).map((stage) => world.place(stage)))
    assert.deepEqual(world.committed, ['bootstrap', 'hot', 'bulk'])
  })

  it('commits what an earlier run left whole, and only that', async () => {
    await using world = await World.create()
    for (const chunk of index.stageChunks('bootstrap')) await world.deliver(chunk)
    const stages = world.committer()
    await stages.begin()
    assert.deepEqual(world.committed, ['bootstrap'])
    await stages.begin()
    assert.deepEqual(world.committed, ['bootstrap'])
  })

  it('says nothing of a stage in which there is nothing', async () => {
    await using world = await World.create(sampleSnapshot([file('bootstrap', 'head', 20_000), file('bulk', 'blocks', 60_000)]))
    await world.place('bootstrap')
    await world.place('bulk')
    assert.deepEqual(world.committed, ['bootstrap', 'bulk'])
    assert.equal(world.store.stageCommitted('hot'), true)
  })
})

function file(stage: StageClass, path: string, bytes: number): SampleEntry {
  return { type: 'file', path, mode: 0o644, content: sampleBytes(path, bytes), stage }
}

/** A target directory with a committer at work in it. */
class World implements AsyncDisposable {
  readonly committed: StageClass[] = []
  readonly store: PlaceStore
  readonly #snapshot: typeof snapshot
  readonly #path: string
  #stages: StageCommitter

  private constructor(path: string, store: PlaceStore, sample: typeof snapshot) {
    this.#path = path
    this.store = store
    this.#snapshot = sample
    this.#stages = this.committer()
  }

  static async create(sample = snapshot): Promise<World> {
    const path = await mkdtemp(join(tmpdir(), 'cairn-node-'))
    const world = new World(path, await openPlaceStore({ path: join(path, 'target'), index: sample.index }), sample)
    await world.#stages.begin()
    return world
  }

  committer(): StageCommitter {
    this.#stages = new StageCommitter(this.#snapshot.index, this.store, (stage) => this.committed.push(stage))
    return this.#stages
  }

  deliver(chunk: number): Promise<void> {
    return this.store.deliver(chunk, plainFrame(this.#snapshot.plain(chunk)))
  }

  /** Delivers the chunks of `stage`, and says so. */
  async place(stage: StageClass): Promise<void> {
    for (const chunk of this.#snapshot.index.stageChunks(stage)) {
      await this.deliver(chunk)
      await this.#stages.placed()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close()
    await rm(this.#path, { recursive: true })
  }
}
