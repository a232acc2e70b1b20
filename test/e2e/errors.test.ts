import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import type { CairnProcess } from './cairn-process.ts'
import type { Daemon } from './daemon.ts'
import { assertFails } from './failures.ts'
import { LEDGER, Scene } from './harness.ts'
import { assertSameTree } from './trees.ts'

describe('what goes wrong is said in one sentence', { concurrency: 4 }, () => {
  let scene: Scene
  let workspace: string
  let origin: Daemon
  before(async () => {
    scene = await Scene.create()
    await mkdir(scene.path('state'))
    await writeFile(scene.path('state', 'accounts'), 'a small ledger')
    workspace = await scene.init()
    await scene.publish(workspace, scene.path('state'), 1)
    origin = await scene.origin(workspace)
  })
  after(() => scene[Symbol.asyncDispose]())

  const join = (into: string, release = LEDGER, ...flags: string[]): CairnProcess =>
    scene.join({ workspace, peers: [origin], into: scene.path(into), release, flags })

  it('when the target holds files of somebody else, which stay as they are', async () => {
    await mkdir(scene.path('taken'))
    await writeFile(scene.path('taken', 'thesis.tex'), 'important')
    await assertFails(join('taken'), { exitCode: 5, code: 'FOREIGN_FILES', message: /thesis\.tex/ })
    assert.deepEqual(await readdir(scene.path('taken')), ['thesis.tex'])
    assert.equal(await readFile(scene.path('taken', 'thesis.tex'), 'utf8'), 'important')
  })

  it('when the target is a file', async () => {
    await writeFile(scene.path('a-file'), 'content')
    await assertFails(join('a-file'), { exitCode: 5, code: 'IO_FAILED', message: /a-file/ })
    assert.equal(await readFile(scene.path('a-file'), 'utf8'), 'content')
  })

  it('when the target is in use by another node', async () => {
    const first = join('in-use', LEDGER, '--stay')
    await first.event('joined')
    await assertFails(join('in-use'), { exitCode: 5, code: 'LOCKED', message: new RegExp(`in use by .*${first.pid}`) })
    assert.equal((await first.stop()).exitCode, 0)
  })

  it('when the ledger is unknown', async () => {
    const message = /there is no ledger testnet; there is mainnet/
    await assertFails(join('unknown-ledger', 'testnet'), { exitCode: 2, code: 'UNKNOWN_LEDGER', message })
  })

  it('when the height or the channel is unknown', async () => {
    await assertFails(join('unknown-height', `${LEDGER}@9`), { exitCode: 2, code: 'UNKNOWN_RELEASE', message: /height 9; .*heights: 1/ })
    await assertFails(join('unknown-channel', `${LEDGER}@canary`), { exitCode: 2, code: 'UNKNOWN_RELEASE', message: /canary/ })
  })

  it('when a port is in use', async () => {
    const listen = ['--listen', origin.address.split('/p2p/')[0]!]
    const http = ['--http', new URL(origin.http).host]
    const expected = { exitCode: 1, code: 'LISTEN_FAILED', message: /cannot listen on \S+: .*in use|using that port/ }
    await assertFails(join('port', LEDGER, ...listen), expected)
    await assertFails(join('port', LEDGER, ...http), expected)
    await assertFails(scene.cairn('origin', '--workspace', workspace, '--log-level', 'error', ...listen), expected)
    await assertFails(scene.cairn('origin', '--workspace', workspace, '--log-level', 'error', ...http), expected)
  })

  it('when there is no such root.json, workspace or directory', async () => {
    const missing = scene.path('missing')
    await assertFails(join('no-root', LEDGER, '--trust', missing), { exitCode: 2, code: 'USAGE', message: /--trust .*missing/ })
    const noWorkspace = { exitCode: 2, code: 'NOT_A_WORKSPACE', message: /missing is not a workspace/ }
    await assertFails(scene.cairn('origin', '--workspace', missing), noWorkspace)
    const publish = (...args: readonly string[]): CairnProcess => scene.cairn('publish', ...args, '--height', '2')
    await assertFails(publish(scene.path('state'), '--workspace', missing, '--ledger', LEDGER), noWorkspace)
    const noDirectory = { exitCode: 2, code: 'NOT_A_DIRECTORY', message: /missing is not a directory/ }
    await assertFails(publish(missing, '--workspace', workspace, '--ledger', LEDGER), noDirectory)
    const noLedger = { exitCode: 2, code: 'UNKNOWN_LEDGER', message: /no ledger testnet/ }
    await assertFails(publish(scene.path('state'), '--workspace', workspace, '--ledger', 'testnet'), noLedger)
  })

  it('when a joined directory was changed, and joining again mends it', async () => {
    await join('changed').succeeded()
    await writeFile(scene.path('changed', 'accounts'), 'a small LEDGER')
    const verify = scene.cairn('verify', scene.path('changed'))
    await assertFails(verify, { exitCode: 3, code: 'DIFFERS', message: /differs from mainnet@1 in 1 path/ })
    assert.deepEqual((await verify.event('verified'))['altered'], ['accounts'])
    await join('changed').succeeded()
    await assertSameTree(scene.path('changed'), scene.path('state'))
    await scene.succeed('verify', scene.path('changed'))
  })

  it('when nobody answers a status request', async () => {
    const status = scene.cairn('status', '127.0.0.1:9')
    await assertFails(status, { exitCode: 1, code: 'STATUS_UNREACHABLE', message: /127\.0\.0\.1:9/ })
  })

  it('when the command line is wrong', async () => {
    await assertFails(scene.cairn('join', LEDGER), { exitCode: 2, code: 'USAGE', message: /--trust/ })
    await assertFails(scene.cairn('jion'), { exitCode: 2, code: 'USAGE', message: /jion/ })
  })
})
