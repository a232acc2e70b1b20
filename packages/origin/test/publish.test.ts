import assert from 'node:assert/strict'
import { rmSync, symlinkSync, utimesSync } from 'node:fs'
import { appendFile, chmod, cp, mkdir, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeFrame, sha256, type SnapshotIndex } from '@cairn/protocol'
import { seededRandom, silentReporter, systemClock } from '@cairn/runtime'
import { FsBlockReader, ReferenceSource, StorageError } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'
import { OriginError, publish, type PublishInit, Workspace } from '../src/index.ts'
import { temporaryDirectory } from './temporary.ts'

const LEDGER = 'sample'

async function workspaceIn(path: string): Promise<Workspace> {
  await Workspace.init(path, { ledger: LEDGER, network: 'test', clock: systemClock })
  return Workspace.open(path, systemClock)
}

/** Two megabytes in a few files, an empty one, an empty directory and a link. */
async function sampleTree(path: string): Promise<void> {
  await mkdir(join(path, 'deep', 'er'), { recursive: true })
  await mkdir(join(path, 'empty'))
  await writeFile(join(path, 'head'), 'v1')
  await writeFile(join(path, 'nothing'), '')
  await writeFile(join(path, 'deep', 'er', 'state'), noise('state', 1_500_000))
  await writeFile(join(path, 'deep', 'copy'), noise('state', 1_500_000))
  await writeFile(join(path, 'text'), 'all work and no play '.repeat(20_000))
  await symlink('../head', join(path, 'deep', 'link'))
  await chmod(join(path, 'text'), 0o640)
}

function noise(seed: string, bytes: number): Buffer {
  const random = seededRandom(seed)
  const buffer = Buffer.alloc(bytes)
  for (let at = 0; at + 4 <= bytes; at += 4) buffer.writeUInt32LE(random.u32(), at)
  return buffer
}

function publishing(workspace: Workspace, directory: string, more: Partial<PublishInit> = {}): ReturnType<typeof publish> {
  return publish({
    workspace,
    directory,
    ledger: LEDGER,
    height: 1,
    profile: 'edge',
    tool: 'test',
    clock: systemClock,
    reporter: silentReporter,
    ...more,
  })
}

test('the same content gives the same snapshot, wherever and whenever it is published', async () => {
  await using directory = await temporaryDirectory()
  const [first, second] = [join(directory.path, 'first'), join(directory.path, 'second')]
  await sampleTree(first)
  await cp(first, second, { recursive: true, verbatimSymlinks: true })
  await utimes(join(second, 'head'), 1, 1)
  const one = await publishing(await workspaceIn(join(directory.path, 'w1')), first, { bootstrap: ['head'] })
  const workspace = await workspaceIn(join(directory.path, 'w2'))
  const two = await publishing(workspace, second, { bootstrap: ['head'] })
  assert.equal(one.release.manifest.toString(), two.release.manifest.toString())
  const again = await publishing(workspace, second, { bootstrap: ['head'] })
  assert.equal(again.release.manifest.toString(), two.release.manifest.toString())
  assert.equal(again.storedBytes, 0)
})

test('the store holds every chunk of the manifest, equal content once', async () => {
  await using directory = await temporaryDirectory()
  const tree = join(directory.path, 'tree')
  await sampleTree(tree)
  const workspace = await workspaceIn(join(directory.path, 'w'))
  const { release } = await publishing(workspace, tree, { bootstrap: ['head'], hot: ['deep/**'] })
  await using blocks = new FsBlockReader(workspace.blocksPath)
  const index = await loadManifest(release.manifest, blocks)
  for (let chunk = 0; chunk < index.chunksCount; chunk++) {
    const frame = await blocks.get(index.chunkCid(chunk))
    assert.ok(frame !== undefined, `chunk ${chunk} is stored`)
    assert.deepEqual(Buffer.from(sha256(decodeFrame(frame, index.chunkBytes(chunk)))), Buffer.from(index.chunkDigest(chunk)))
  }
  const { totals } = index.root
  assert.equal(totals.bytes - totals.distinctBytes, 1_500_000)
  assert.deepEqual(
    { files: totals.files, directories: totals.directories, symlinks: totals.symlinks },
    { files: 5, directories: 3, symlinks: 1 },
  )
  assert.deepEqual(stagesOf(index), { head: 'bootstrap', 'deep/copy': 'hot', 'deep/er/state': 'hot', nothing: 'bulk', text: 'bulk' })
})

test('a release names the one below it as its parent', async () => {
  await using directory = await temporaryDirectory()
  const tree = join(directory.path, 'tree')
  await sampleTree(tree)
  const workspace = await workspaceIn(join(directory.path, 'w'))
  const first = await publishing(workspace, tree)
  await writeFile(join(tree, 'head'), 'v2')
  const second = await publishing(workspace, tree, { height: 2 })
  await using blocks = new FsBlockReader(workspace.blocksPath)
  assert.ok((await loadManifest(second.release.manifest, blocks)).root.parent?.equals(first.release.manifest))
})

test('by reference nothing is copied, and a file that was changed afterwards is noticed', async () => {
  await using directory = await temporaryDirectory()
  const tree = join(directory.path, 'tree')
  await sampleTree(tree)
  const workspace = await workspaceIn(join(directory.path, 'w'))
  const { release, storedBytes, bytes } = await publishing(workspace, tree, { store: 'reference' })
  assert.ok(storedBytes < bytes / 100, `${storedBytes} bytes stored`)
  assert.equal(workspace.referenceOf(release.manifest.toString()), tree)
  await using pages = new FsBlockReader(workspace.blocksPath)
  const index = await loadManifest(release.manifest, pages)
  const changed: string[] = []
  const source = new ReferenceSource({ root: tree, index, pages, onChanged: (path) => changed.push(path) })
  const head = index.chunkCid([...index.chunksOfFile(index.entryAt('head')!)][0]!.chunk)
  assert.deepEqual(Buffer.from(decodeFrame((await source.get(head))!, 2)).toString(), 'v1')
  await writeFile(join(tree, 'head'), 'v2')
  await assert.rejects(source.get(head), (error) => error instanceof StorageError && error.fault.code === 'SOURCE_CHANGED')
  assert.deepEqual(changed, ['head'])
})

test('a file that grows while it is published is refused, and nothing is signed', async () => {
  await using directory = await temporaryDirectory()
  const tree = join(directory.path, 'tree')
  await sampleTree(tree)
  const workspace = await workspaceIn(join(directory.path, 'w'))
  let grown: Promise<void> | undefined
  const growing = publishing(workspace, tree, {
    reporter: {
      report(event) {
        if (event.type === 'publish-started') grown = appendFile(join(tree, 'text'), 'more')
      },
    },
  })
  await assert.rejects(growing, (error) => error instanceof OriginError && error.fault.code === 'SOURCE_CHANGED')
  await grown
  assert.deepEqual(await workspace.releasesOf(LEDGER), [])
})

test('a large file that changes between two of its parts is refused', async () => {
  await using directory = await temporaryDirectory()
  const tree = join(directory.path, 'tree')
  await mkdir(tree)
  const path = join(tree, 'large')
  await writeFile(path, noise('large', 24 * 1024 * 1024))
  const workspace = await workspaceIn(join(directory.path, 'w'))
  const changing = publishing(workspace, tree, {
    reporter: {
      report(event) {
        if (event.type === 'publish-progress') utimesSync(path, 1, 1)
      },
    },
  })
  await assert.rejects(
    changing,
    (error) => error instanceof OriginError && error.fault.code === 'SOURCE_CHANGED' && error.fault.path === path,
  )
  assert.deepEqual(await workspace.releasesOf(LEDGER), [])
})

test('a file that is gone, or a link, when its turn comes is refused', async () => {
  for (const replace of [() => {}, (path: string) => symlinkSync('head', path)]) {
    await using directory = await temporaryDirectory()
    const tree = join(directory.path, 'tree')
    await sampleTree(tree)
    const path = join(tree, 'text')
    const publication = publishing(await workspaceIn(join(directory.path, 'w')), tree, {
      reporter: {
        report(event) {
          if (event.type !== 'publish-started') return
          rmSync(path)
          replace(path)
        },
      },
    })
    await assert.rejects(publication, (error) => error instanceof OriginError && error.fault.code === 'SOURCE_CHANGED')
  }
})

test('a publication that is stopped signs nothing, and the next one uses what it stored', async () => {
  await using directory = await temporaryDirectory()
  const tree = join(directory.path, 'tree')
  await mkdir(tree)
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await writeFile(join(tree, name), noise(name, 5 * 1024 * 1024))
  const workspace = await workspaceIn(join(directory.path, 'w'))
  const stop = new AbortController()
  const reason = new Error('stopped')
  const stopped = publishing(workspace, tree, {
    signal: stop.signal,
    reporter: {
      report(event) {
        if (event.type === 'publish-progress' && event.storedBytes > 0) stop.abort(reason)
      },
    },
  })
  await assert.rejects(stopped, reason)
  assert.deepEqual(await workspace.releasesOf(LEDGER), [])
  const { bytes, storedBytes } = await publishing(workspace, tree)
  assert.ok(storedBytes < bytes - 4 * 1024 * 1024, `${storedBytes} of ${bytes} bytes stored`)
})

test('a pattern that matches nothing, a file as directory and an unknown ledger are named', async () => {
  await using directory = await temporaryDirectory()
  const tree = join(directory.path, 'tree')
  await sampleTree(tree)
  const workspace = await workspaceIn(join(directory.path, 'w'))
  const codes: string[] = []
  for (const attempt of [
    () => publishing(workspace, tree, { bootstrap: ['haed'] }),
    () => publishing(workspace, join(tree, 'head')),
    () => publishing(workspace, tree, { ledger: 'other' }),
  ]) {
    await assert.rejects(attempt, (error) => {
      assert.ok(error instanceof OriginError)
      codes.push(error.fault.code)
      return true
    })
  }
  assert.deepEqual(codes, ['PATTERN_MATCHES_NOTHING', 'NOT_A_DIRECTORY', 'UNKNOWN_LEDGER'])
})

function stagesOf(index: SnapshotIndex): Record<string, string> {
  return Object.fromEntries(index.entries.flatMap((entry) => (entry.type === 'file' ? [[entry.path, entry.stage] as const] : [])))
}
