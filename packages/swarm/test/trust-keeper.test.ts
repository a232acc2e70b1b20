import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { StorageError } from '@cairn/storage'
import { releases, TrustError, type TrustState } from '@cairn/trust'
import { type RefreshOutcome, SwarmError, TrustKeeper } from '../src/index.ts'
import { LEDGER, TestRepository } from './repository.ts'

const YEAR_MS = 365 * 86_400_000

describe('TrustKeeper', () => {
  it('starts from the root, and leaves no trace before something is accepted', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    assert.deepEqual(keeper.state, { root: world.repository.root, ledgers: {} })
    assert.equal((await keeper.refresh(answering({ type: 'no-answer' }), [LEDGER])).type, 'no-answer')
    assert.equal((await keeper.refresh(refusing(keeper.state), [LEDGER])).type, 'refused')
    assert.equal(existsSync(world.path), false)
  })

  it('has on disk what it accepted, and takes it up again', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    await keeper.refresh(world.participant(), [LEDGER])
    assert.deepEqual(heights(keeper.state), [1])
    const next = await world.open()
    assert.deepEqual(heights(next.state), [1])
    assert.deepEqual(Buffer.from((await next.metadata('timestamp.json'))!), Buffer.from(world.repository.files['timestamp.json']!))
  })

  it('does not use what it could not write', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    await mkdir(world.path)
    await assert.rejects(keeper.refresh(world.participant(), [LEDGER]), StorageError)
    assert.equal(keeper.state.timestamp, undefined)
    await rm(world.path, { recursive: true })
    await keeper.refresh(world.participant(), [LEDGER])
    assert.deepEqual(heights(keeper.state), [1])
  })

  it('keeps the newer root of an answer that was refused otherwise', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    await keeper.refresh(world.participant(), [LEDGER])
    world.repository.rotate(7)
    world.repository.publish(1, 2)
    const newer = world.repository.refresh(keeper.state)
    const { root, predecessors = [] } = newer
    await keeper.refresh(refusing({ root, predecessors, ledgers: {} }), [LEDGER])
    const next = await world.open()
    assert.deepEqual(Buffer.from(next.state.root), Buffer.from(world.repository.root))
    assert.deepEqual(Buffer.from((await next.metadata('1.root.json'))!), Buffer.from(world.root), 'and the chain that leads to it')
  })

  it('asks in turns, each from what the one before accepted, also after one that failed', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    const gate = Promise.withResolvers<void>()
    const asked: TrustState[] = []
    const first = keeper.refresh(
      {
        refresh: async (state) => {
          asked.push(state)
          await gate.promise
          return { type: 'refreshed', state: world.repository.refresh(state), peer: 'a' }
        },
      },
      [LEDGER],
    )
    const failing = assert.rejects(keeper.refresh({ refresh: () => Promise.reject(new Error('stopped')) }, [LEDGER]), /stopped/)
    const last = keeper.refresh(
      {
        refresh: async (state) => {
          asked.push(state)
          return { type: 'no-answer' }
        },
      },
      [LEDGER],
    )
    gate.resolve()
    await Promise.all([first, failing, last])
    assert.deepEqual(asked.map(heights), [[], [1]])
  })

  it('does not write what is not new', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    await keeper.refresh(world.participant(), [LEDGER])
    await rm(world.path)
    await keeper.refresh(answering({ type: 'refreshed', state: keeper.state, peer: 'a' }), [LEDGER])
    assert.equal(existsSync(world.path), false)
  })

  it('passes on whom to ask, and for what', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    const calls: unknown[] = []
    const refresh = async (...call: readonly unknown[]): Promise<RefreshOutcome> => {
      calls.push(call.slice(1))
      return { type: 'no-answer' }
    }
    await keeper.refresh({ refresh }, 'all', 'a')
    await keeper.refresh({ refresh }, [LEDGER])
    assert.deepEqual(calls, [
      ['all', 'a'],
      [[LEDGER], undefined],
    ])
  })

  it('takes up what has expired: its floor still holds, and it may be served', async () => {
    await using world = await World.create()
    await (await world.open()).refresh(world.participant(), [LEDGER])
    await world.clock.advance(10 * YEAR_MS)
    assert.deepEqual(heights((await world.open()).state), [1])
  })

  it('does not begin with a root that has expired, or is none', async () => {
    await using world = await World.create()
    await world.clock.advance(10 * YEAR_MS)
    await assert.rejects(world.open(), isTrustError('EXPIRED'))
    await assert.rejects(world.open(Buffer.from('{}')), isTrustError('MALFORMED'))
  })

  it('refuses to go on under the root of another publisher', async () => {
    await using world = await World.create()
    await (await world.open()).refresh(world.participant(), [LEDGER])
    const other = new TestRepository(world.clock.now(), 50)
    await assert.rejects(world.open(other.root), (error) => error instanceof SwarmError && error.fault.code === 'OTHER_TRUST_ROOT')
    await assert.rejects(world.open(Buffer.from('{}')), isTrustError('MALFORMED'))
    await world.open()
  })

  it('takes any root of the chain that it has come along', async () => {
    await using world = await World.create()
    const keeper = await world.open()
    await keeper.refresh(world.participant(), [LEDGER])
    world.repository.rotate(7)
    world.repository.publish(1, 2)
    await keeper.refresh(world.participant(), [LEDGER])
    for (const root of [world.root, world.repository.root]) assert.deepEqual(heights((await world.open(root)).state), [1, 2])
  })

  it('says so when the disk has changed what was accepted', async () => {
    await using world = await World.create()
    await (await world.open()).refresh(world.participant(), [LEDGER])
    const stored = await readFile(world.path)
    for (const at of [0, Math.floor(stored.byteLength / 2), stored.byteLength - 1]) {
      const damaged = Buffer.from(stored)
      damaged[at]! ^= 1
      await writeFile(world.path, damaged)
      await assert.rejects(world.open(), (error) => error instanceof StorageError && error.fault.code === 'CORRUPT')
    }
    await writeFile(world.path, stored.subarray(0, stored.byteLength / 2))
    await assert.rejects(world.open(), (error) => error instanceof StorageError && error.fault.path === world.path)
  })

  it('leaves what a later version of this program has written', async () => {
    await using world = await World.create()
    await (await world.open()).refresh(world.participant(), [LEDGER])
    const stored = await readFile(world.path, 'utf8')
    const later = stored.replace(/("version": ?)1(,?\s*"what")/, '$12$2')
    assert.notEqual(later, stored)
    await writeFile(world.path, later)
    await assert.rejects(world.open(), isTrustError('UNSUPPORTED_VERSION'))
    assert.equal(await readFile(world.path, 'utf8'), later)
  })
})

/** A repository with one release, and a directory for a keeper. */
class World implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly repository = new TestRepository(this.clock.now())
  /** The first one. */
  readonly root = this.repository.root
  readonly path: string
  readonly #directory: string

  private constructor(directory: string) {
    this.#directory = directory
    this.path = join(directory, 'trust')
    this.repository.publish(1)
  }

  static async create(): Promise<World> {
    return new World(await mkdtemp(join(tmpdir(), 'cairn-swarm-')))
  }

  open(root: Uint8Array = this.root): Promise<TrustKeeper> {
    return TrustKeeper.open({ path: this.path, root, clock: this.clock })
  }

  /** Connected to the repository itself. */
  participant(): Parameters<TrustKeeper['refresh']>[0] {
    return { refresh: async (state) => ({ type: 'refreshed', state: this.repository.refresh(state), peer: 'origin' }) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#directory, { recursive: true })
  }
}

function answering(outcome: RefreshOutcome): Parameters<TrustKeeper['refresh']>[0] {
  return { refresh: async () => outcome }
}

function refusing(state: TrustState): Parameters<TrustKeeper['refresh']>[0] {
  const error = new TrustError({ code: 'MISSING', file: 'timestamp.json', role: 'timestamp' })
  return answering({ type: 'refused', error, peer: 'a', state })
}

/** Heights that `state` vouches for. */
function heights(state: TrustState): readonly number[] {
  return LEDGER in state.ledgers ? releases(state, LEDGER).map(({ height }) => height) : []
}

function isTrustError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TrustError && error.fault.code === code
}
