// Goal: a node that is killed at any instant completes on the next run, byte-identical, and loses no more than what was on its way.
// Method: one origin, one node, which gets `kill -9` after a random number of chunks and a random moment more. Replay: SEED=… npm test
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Random, randomBelow, seededRandom, systemRandom } from '@cairn/runtime'
import { generateLedger } from '../datasets/index.ts'
import type { CairnProcess } from './cairn-process.ts'
import { fetchedBytes, Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

const SNAPSHOT_BYTES = 64 * 1024 ** 2
const KILLS = 5
/** A kill hits between two chunks as well as within the work on one. */
const MOMENT_MS_MAX = 20
const FETCHED_SHARE_MAX = 1.1
/** Asked of the one peer and on its way, or received and not yet placed: what one kill may throw away. */
const LOST_PER_KILL_BYTES_MAX = 12 * 1024 ** 2

const SEED = process.env['SEED'] ?? String(systemRandom.u32())

describe('kill -9 of a joining node', () => {
  let scene: Scene
  let workspace: string
  let chunks: number
  before(async () => {
    scene = await Scene.create()
    await generateLedger({ path: scene.path('ledger'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    workspace = await scene.init()
    chunks = (await scene.publish(workspace, scene.path('ledger'), 1, '--bootstrap', 'MANIFEST*')).chunks
  })
  after(() => scene[Symbol.asyncDispose]())

  it(`costs next to nothing, ${KILLS} times in one join`, async (context) => {
    context.diagnostic(`SEED=${SEED}`)
    const random = seededRandom(SEED)
    const origin = await scene.origin(workspace)
    const join = (): CairnProcess => scene.join({ workspace, peers: [origin], into: scene.path('joined') })
    const runs: CairnProcess[] = []
    let received = 0
    for (let kill = 0; kill < KILLS; kill++) {
      const run = join()
      runs.push(run)
      await killAfter(run, randomBelow(random, Math.ceil((1.5 * (chunks - received)) / (KILLS - kill + 1))), random)
      received += run.eventsOf('chunk-received').length
    }
    const last = join()
    runs.push(last)
    await last.succeeded()

    await assertSameTree(scene.path('joined'), scene.path('ledger'))
    const sentBytes = await origin.metric('cairn_served_bytes_total')
    const whole = await wholeJoin()
    const share = fetchedBytes(...runs) / fetchedBytes(whole.node)
    const killed = runs.filter((run) => run.eventsOf('joined').length === 0).length
    context.diagnostic(
      `${killed} runs were killed before their end; fetched ${share.toFixed(3)} of the snapshot, was sent ${(sentBytes / whole.sentBytes).toFixed(3)}`,
    )
    assert.ok(share <= FETCHED_SHARE_MAX, `fetched ${share} of the snapshot; SEED=${SEED}`)
    assert.ok(killed > 0)
    assert.ok(sentBytes <= whole.sentBytes + killed * LOST_PER_KILL_BYTES_MAX, `${sentBytes} bytes sent; SEED=${SEED}`)
  })

  /** What a join costs that nobody disturbs: each distinct chunk once. */
  async function wholeJoin(): Promise<{ readonly node: CairnProcess; readonly sentBytes: number }> {
    const origin = await scene.origin(workspace)
    const node = scene.join({ workspace, peers: [origin], into: scene.path('whole') })
    await node.succeeded()
    return { node, sentBytes: await origin.metric('cairn_served_bytes_total') }
  }
})

/** Kills `run` a moment after it has received `count` chunks, or lets it end if it is faster than that. */
async function killAfter(run: CairnProcess, count: number, random: Random): Promise<void> {
  await run.until(`${count} chunks`, () => (run.hasEnded || run.eventsOf('chunk-received').length >= count ? true : undefined))
  await delay(randomBelow(random, MOMENT_MS_MAX))
  await run.kill()
}
