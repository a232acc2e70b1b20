import assert from 'node:assert/strict'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pageCid } from '@cairn/protocol'
import { ManualClock } from '@cairn/runtime/testing'
import { checkFreshness, freshUntil, initialTrust, type Release, releases, TrustError, TrustUpdate } from '@cairn/trust'
import { OriginError, Workspace } from '../src/index.ts'
import { temporaryDirectory } from './temporary.ts'

const DAY_MS = 24 * 60 * 60 * 1000

function release(ledger: string, height: number, content: string): Release {
  const bytes = Buffer.from(content)
  return { ledger, height, manifest: pageCid(bytes), manifestBytes: bytes.byteLength, channels: ['stable'], totalBytes: 1, chunks: 1 }
}

/** What a client that was given `root.json` accepts from the workspace's metadata. */
async function acceptedBy(workspace: Workspace, path: string, clock: ManualClock): Promise<ReturnType<typeof initialTrust>> {
  const update = new TrustUpdate(initialTrust(await readFile(join(path, 'root.json')), clock.now()), clock.now(), 'all')
  for (let step = update.next(); ; step = update.next()) {
    if ('done' in step) return step.done
    update.supply(step.file, await workspace.metadataFile(step.file))
  }
}

test('init makes keys that only the owner reads, and metadata that a client accepts', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'w')
  const clock = new ManualClock()
  const summary = await Workspace.init(path, { ledger: 'alpha', network: 'main', clock })
  assert.deepEqual(
    summary.offlineKeyPaths.map((key) => key.slice(path.length)),
    ['/keys/root.pem', '/keys/targets.pem'],
  )
  for (const key of [...summary.offlineKeyPaths, ...summary.onlineKeyPaths]) assert.equal((await stat(key)).mode & 0o777, 0o600)
  const workspace = await Workspace.open(path, clock)
  const state = await acceptedBy(workspace, path, clock)
  assert.deepEqual(releases(state, 'alpha'), [])
})

test('a second ledger joins the first one in the same workspace; the same one twice is refused', async () => {
  await using directory = await temporaryDirectory()
  const clock = new ManualClock()
  await Workspace.init(directory.path, { ledger: 'alpha', network: 'main', clock })
  await Workspace.init(directory.path, { ledger: 'beta', network: 'main', clock })
  const workspace = await Workspace.open(directory.path, clock)
  assert.deepEqual(workspace.ledgers, ['alpha', 'beta'])
  await workspace.release(release('beta', 7, 'b'), { replace: false })
  const state = await acceptedBy(workspace, directory.path, clock)
  assert.deepEqual(
    releases(state, 'beta').map(({ height }) => height),
    [7],
  )
  await assert.rejects(
    Workspace.init(directory.path, { ledger: 'beta', network: 'main', clock }),
    (error) => error instanceof OriginError && error.fault.code === 'WORKSPACE_EXISTS',
  )
})

test('the same height with another manifest is refused unless it is to be replaced', async () => {
  await using directory = await temporaryDirectory()
  const clock = new ManualClock()
  await Workspace.init(directory.path, { ledger: 'alpha', network: 'main', clock })
  const workspace = await Workspace.open(directory.path, clock)
  await workspace.release(release('alpha', 1, 'one'), { replace: false })
  await workspace.release(release('alpha', 1, 'one'), { replace: false })
  await assert.rejects(
    workspace.release(release('alpha', 1, 'other'), { replace: false }),
    (error) => error instanceof TrustError && error.fault.code === 'CONFLICT',
  )
  await workspace.release(release('alpha', 1, 'other'), { replace: true })
  assert.ok((await workspace.releasesOf('alpha'))[0]?.manifest.equals(pageCid(Buffer.from('other'))))
})

test('with the offline keys gone, releases and timestamps are still signed and ledgers are not added', async () => {
  await using directory = await temporaryDirectory()
  const clock = new ManualClock()
  const { offlineKeyPaths } = await Workspace.init(directory.path, { ledger: 'alpha', network: 'main', clock })
  for (const path of offlineKeyPaths) await rm(path)
  const workspace = await Workspace.open(directory.path, clock)
  await workspace.release(release('alpha', 1, 'one'), { replace: false })
  assert.equal(await workspace.renewTimestamp(), true)
  await assert.rejects(
    Workspace.init(directory.path, { ledger: 'beta', network: 'main', clock }),
    (error) => error instanceof OriginError && error.fault.code === 'KEY_MISSING' && error.fault.role === 'targets',
  )
})

test('a renewed timestamp pushes the expiry out', async () => {
  await using directory = await temporaryDirectory()
  const clock = new ManualClock()
  await Workspace.init(directory.path, { ledger: 'alpha', network: 'main', clock })
  const workspace = await Workspace.open(directory.path, clock)
  await clock.advance(2 * DAY_MS)
  const stale = await workspace.trustState()
  assert.throws(
    () => checkFreshness(stale, clock.now()),
    (error) => error instanceof TrustError && error.fault.code === 'EXPIRED' && error.fault.role === 'timestamp',
  )
  await workspace.renewTimestamp()
  const fresh = await acceptedBy(workspace, directory.path, clock)
  assert.ok(freshUntil(fresh).expiresAt > clock.now())
})

test('what is not a workspace is named', async () => {
  await using directory = await temporaryDirectory()
  const clock = new ManualClock()
  await assert.rejects(
    Workspace.open(directory.path, clock),
    (error) => error instanceof OriginError && error.fault.code === 'NOT_A_WORKSPACE',
  )
  await assert.rejects(
    Workspace.init(directory.path, { ledger: 'Root', network: 'main', clock }),
    (error) => error instanceof OriginError && error.fault.code === 'BAD_NAME',
  )
})

test('a ledger is added without the private keys of the others, and not to another network', async () => {
  await using directory = await temporaryDirectory()
  const clock = new ManualClock()
  const path = directory.path
  await Workspace.init(path, { ledger: 'alpha', network: 'main', clock })
  await assert.rejects(
    Workspace.init(path, { ledger: 'beta', network: 'other', clock }),
    (error) => error instanceof OriginError && error.fault.code === 'OTHER_NETWORK',
  )
  const alphaKey = join(path, 'keys', 'ledger-alpha.pem')
  const kept = await readFile(alphaKey)
  await rm(alphaKey)
  await Workspace.init(path, { ledger: 'beta', network: 'main', clock })
  await writeFile(alphaKey, kept)
  const workspace = await Workspace.open(path, clock)
  await workspace.release(release('alpha', 3, 'a'), { replace: false })
  assert.equal(releases(await acceptedBy(workspace, path, clock), 'alpha').length, 1)
})
