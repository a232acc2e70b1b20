import { setTimeout as delay } from 'node:timers/promises'
import { randomBelow, seededRandom } from '@cairn/runtime'
import { generateLedger } from '../../test/datasets/index.ts'
import type { CairnProcess } from '../../test/e2e/cairn-process.ts'
import { fetchedBytes, Scene } from '../../test/e2e/harness.ts'
import { assertSameTree } from '../../test/e2e/trees.ts'
import { memoryClaim, type Proof } from './proof.ts'

const KILLS = 20
const MOMENT_MS_MAX = 100
const FETCHED_SHARE_MAX = 1.1

/** One join of a large ledger that is killed at random instants and each time begun again. */
export const proveKills: Proof = async ({ bytes, seed }) => {
  await using scene = await Scene.create()
  const source = scene.path('ledger')
  await generateLedger({ path: source, bytes, seed: 1, version: 1 })
  const workspace = await scene.init()
  const { chunks } = await scene.publish(workspace, source, 1)
  const random = seededRandom(seed)

  const undisturbedOrigin = await scene.origin(workspace)
  const undisturbed = scene.join({ workspace, peers: [undisturbedOrigin], into: scene.path('undisturbed') })
  await undisturbed.succeeded()
  const wholeSentBytes = await undisturbedOrigin.metric('cairn_served_bytes_total')
  await undisturbedOrigin.process.stop()

  const origin = await scene.origin(workspace)
  const into = scene.path('joined')
  const runs: CairnProcess[] = []
  const join = (): CairnProcess => {
    const run = scene.join({ workspace, peers: [origin], into })
    runs.push(run)
    return run
  }
  let received = 0
  for (let kill = 0; kill < KILLS; kill++) {
    const run = join()
    const count = randomBelow(random, Math.ceil((1.5 * (chunks - received)) / (KILLS - kill + 1)))
    await run.until(`${count} chunks`, () => (run.hasEnded || run.eventsOf('chunk-received').length >= count ? true : undefined))
    await delay(randomBelow(random, MOMENT_MS_MAX))
    const { signal } = await run.kill()
    const here = run.eventsOf('chunk-received').length
    received += here
    console.log(`run ${kill + 1}: ${signal === null ? 'was complete' : 'killed'} after ${here} chunks, ${received} of ${chunks} in all`)
  }
  const last = join()
  await last.succeeded()
  await assertSameTree(into, source)

  const killed = runs.filter((run) => run.eventsOf('joined').length === 0).length
  const share = fetchedBytes(...runs) / fetchedBytes(undisturbed)
  const sentShare = (await origin.metric('cairn_served_bytes_total')) / wholeSentBytes
  const within = (share: number): string => `${(share * 100).toFixed(1)} % of the snapshot`
  return [
    { claim: `a node killed ${killed} times completes, and every file is as it was published`, holds: killed === KILLS },
    { claim: `it received and kept ${within(share)}, by its own count`, holds: share <= FETCHED_SHARE_MAX },
    { claim: `it was sent ${within(sentShare)}, by the count of its source`, holds: sentShare <= FETCHED_SHARE_MAX },
    memoryClaim('the last run', last),
    memoryClaim('the origin', origin.process),
  ]
}
