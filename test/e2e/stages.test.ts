// Goal: a join that is asked for a stage returns with that stage's files as they were published, and what is fetched is never fetched
// again: not by the run that completes it, and not after a kill.
import assert from 'node:assert/strict'
import { lstat } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { generateLedger } from '../datasets/index.ts'
import type { CairnProcess } from './cairn-process.ts'
import type { Daemon } from './daemon.ts'
import { fetchedBytes, Scene } from './harness.ts'
import { assertSameTree, readTree, type Tree } from './trees.ts'

const SNAPSHOT_BYTES = 48 * 1024 ** 2
/** What one kill may throw away: asked for, and neither delivered nor written down. */
const IN_FLIGHT_BYTES_MAX = 16 * 1024 ** 2

describe('a join by stages', () => {
  let scene: Scene
  let workspace: string
  let origin: Daemon
  let ledger: Tree
  before(async () => {
    scene = await Scene.create()
    await generateLedger({ path: scene.path('ledger'), bytes: SNAPSHOT_BYTES, seed: 1, version: 1 })
    ledger = await readTree(scene.path('ledger'))
    workspace = await scene.init()
    const flags = ['--bootstrap', 'CURRENT', '--bootstrap', 'MANIFEST*', '--bootstrap', '*.log', '--hot', '*1.ldb']
    await scene.publish(workspace, scene.path('ledger'), 1, ...flags)
    origin = await scene.origin(workspace)
  })
  after(() => scene[Symbol.asyncDispose]())

  const join = (into: string, ...flags: readonly string[]): CairnProcess =>
    scene.join({ workspace, peers: [origin], into: scene.path(into), flags })

  it('returns with the files of that stage, and goes on in later runs', async () => {
    const runs = [join('joined', '--stage', 'bootstrap')]
    await runs[0]!.succeeded()
    const staged = await runs[0]!.event('staged')
    assert.equal(staged['stage'], 'bootstrap')
    assert.equal(runs[0]!.eventsOf('usable').length, 1)
    const early = await readTree(scene.path('joined'))
    assert.ok(Object.keys(early).some((path) => path.startsWith('MANIFEST')))
    assertPart(early, ledger)
    assert.ok(fetchedBytes(...runs) < SNAPSHOT_BYTES / 2, `${fetchedBytes(...runs)} bytes for the bootstrap stage`)

    runs.push(join('joined', '--stage', 'hot'))
    await runs[1]!.succeeded()
    assertPart(await readTree(scene.path('joined')), ledger)

    runs.push(join('joined'))
    await runs[2]!.succeeded()
    await assertSameTree(scene.path('joined'), scene.path('ledger'))
    const whole = join('whole')
    await whole.succeeded()
    assert.equal(fetchedBytes(...runs), fetchedBytes(whole), 'nothing was fetched twice')
  })

  it('survives kill -9 in every stage', async () => {
    const runs: CairnProcess[] = []
    for (const flags of [['--stage', 'bootstrap'], [], []]) {
      const run = join('killed', ...flags)
      runs.push(run)
      const enough = flags.length === 0 ? 40 : 1
      await run.until('some chunks', () => (run.hasEnded || run.eventsOf('chunk-received').length >= enough ? true : undefined))
      await run.kill()
    }
    const staged = join('killed', '--stage', 'bootstrap')
    await staged.succeeded()
    assert.equal(staged.eventsOf('staged').length, 1)
    await lstat(scene.path('killed', 'CURRENT'))
    const last = join('killed', '--max-rate', '100MiB/s')
    await last.succeeded()
    await assertSameTree(scene.path('killed'), scene.path('ledger'))
    const whole = join('undisturbed')
    await whole.succeeded()
    const lostBytes = fetchedBytes(...runs, staged, last) - fetchedBytes(whole)
    assert.ok(lostBytes <= runs.length * IN_FLIGHT_BYTES_MAX, `${lostBytes} bytes were fetched again`)
  })

  it('is refused where the release has no such stage', async () => {
    await scene.publish(workspace, scene.path('ledger'), 2, '--profile', 'bulk')
    await origin.process.until('the new release', () => origin.process.eventsOf('release-loaded').find(({ height }) => height === 2))
    const node = scene.join({
      workspace,
      peers: [origin],
      into: scene.path('none'),
      release: 'mainnet@2',
      flags: ['--stage', 'bootstrap', '--timeout', '20s'],
    })
    assert.equal((await node.exit()).exitCode, 2)
    assert.equal((await node.event('error'))['code'], 'NO_SUCH_STAGE')
  })
})

/** Whole files of `part` are as in `whole`; a file that a later stage shares chunks with may have begun, and nothing else is there. */
function assertPart(part: Tree, whole: Tree): void {
  for (const [path, entry] of Object.entries(part)) {
    const wanted = whole[path]
    assert.ok(wanted !== undefined, `${path} was not published`)
    if (/^(?:CURRENT|MANIFEST|.*\.log$)/.test(path)) assert.equal(entry, wanted, path)
  }
}
