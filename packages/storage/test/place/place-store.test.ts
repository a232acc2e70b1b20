import assert from 'node:assert/strict'
import { mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { chunkCid, decodeFrame, plainFrame, sha256 } from '@cairn/protocol'
import { type Disk, inspectTarget, openPlaceStore, systemDisk } from '../../src/index.ts'
import { sampleBytes, sampleSnapshot, writeSample } from '../../src/testing/index.ts'
import { faultOf } from '../fault.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { FailingDisk } from './failing-disk.ts'
import { deliver, listTree, oddTree, stagedTree } from './trees.ts'

const snapshot = sampleSnapshot(oddTree)
const { index } = snapshot
const chunks = Array.from({ length: index.chunksCount }, (_, i) => i)

describe('PlaceStore', () => {
  it('leaves the tree that was published, and .cairn', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('source'), oddTree)
    const path = directory.join('deep', 'target')
    {
      await using store = await openPlaceStore({ path, index })
      assert.equal(store.have.count, 0)
      await deliver(store, snapshot)
      await store.finish()
      assert.equal(store.isComplete, true)
    }
    assert.deepEqual(await listTree(path), await listTree(directory.join('source')))
    const target = await inspectTarget(path)
    assert.equal(target?.snapshot.toString(), index.cid.toString())
    assert.deepEqual([target.chunksCount, target.placedCount, target.complete], [index.chunksCount, index.chunksCount, true])
    await using store = await openPlaceStore({ path, index })
    assert.equal(store.isComplete, true)
    assert.ok((await store.verifyAll()).ok)
  })

  it('does not depend on the umask', async () => {
    await using directory = await temporaryDirectory()
    const before = process.umask(0o077)
    try {
      await using store = await openPlaceStore({ path: directory.join('target'), index })
      await deliver(store, snapshot)
      await store.finish()
    } finally {
      process.umask(before)
    }
    await writeSample(directory.join('source'), oddTree)
    assert.deepEqual(await listTree(directory.join('target')), await listTree(directory.join('source')))
  })

  it('serves what is in place and nothing else', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openPlaceStore({ path: directory.path, index })
    await deliver(store, snapshot, [0, 2])
    for (const chunk of chunks) {
      const cid = index.chunkCid(chunk)
      assert.equal(store.has(cid), chunk === 0 || chunk === 2)
      const frame = await store.get(cid)
      if (!store.has(cid)) assert.equal(frame, undefined)
      else assert.deepEqual(Buffer.from(decodeFrame(frame!, 1 << 20)), Buffer.from(snapshot.plain(chunk)))
    }
    assert.equal(store.has(chunkCid(sha256(Buffer.from('unknown')))), false)
    assert.equal(await store.get(index.cid), undefined)
  })

  it('takes a chunk that comes twice at once', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openPlaceStore({ path: directory.path, index })
    await deliver(store, snapshot, [0, 0, 0, 1, 1])
    await deliver(store, snapshot, [0])
    assert.equal(store.have.count, 2)
  })

  it('commits a stage when its chunks are in place', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openPlaceStore({ path: directory.path, index })
      await assert.rejects(store.commitStage('bootstrap'), /every chunk of bootstrap/)
      await deliver(store, snapshot, index.stageChunks('bootstrap'))
      await store.commitStage('bootstrap')
      assert.deepEqual([store.stageCommitted('bootstrap'), store.stageCommitted('hot')], [true, false])
      assert.equal((await stat(directory.join('db', 'LOCK'))).size, 0)
      assert.equal(await readFile(directory.join('db', 'CURRENT'), 'utf8'), 'MANIFEST-000004\n')
    }
    await using store = await openPlaceStore({ path: directory.path, index })
    assert.equal(store.stageCommitted('bootstrap'), true)
  })

  it('leaves a committed stage as it was published, but for directories, and the rest writable', async () => {
    await using directory = await temporaryDirectory()
    const early = sampleSnapshot(stagedTree)
    {
      await using store = await openPlaceStore({ path: directory.path, index: early.index })
      await deliver(store, early, early.index.stageChunks('bootstrap'))
      await store.commitStage('bootstrap')
      const placed = await listTree(directory.path)
      assert.equal(placed['bin/start'], `file 4555 ${Buffer.from('start').toString('base64')}`)
      assert.equal(placed['bin/current'], 'link start')
      assert.equal(placed['bin/empty'], 'file 400 ')
      assert.equal(placed['bin'], 'directory 755', 'a later stage writes into it')
      assert.equal(placed['bin/late'], undefined)
    }
    {
      await using store = await openPlaceStore({ path: directory.path, index: early.index })
      assert.equal(store.stageCommitted('bootstrap'), true)
      await deliver(store, early)
      await store.commitStage('hot')
      assert.equal((await listTree(directory.path))['bin/start'], `file 4555 ${Buffer.from('start').toString('base64')}`)
      await store.commitStage('bulk')
      await store.finish()
      assert.ok((await store.verifyAll()).ok)
      assert.equal((await listTree(directory.path))['bin'], 'directory 555')
    }
  })

  it('places an empty snapshot', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openPlaceStore({ path: directory.path, index: sampleSnapshot([]).index })
    await store.finish()
    assert.deepEqual(await listTree(directory.path), {})
  })

  it('keeps at most 512 files open and still fills all of them', async () => {
    await using directory = await temporaryDirectory()
    const many = sampleSnapshot(
      Array.from({ length: 700 }, (_, i) => ({
        type: 'file' as const,
        path: `file-${String(i).padStart(3, '0')}`,
        mode: 0o644,
        content: Buffer.concat([Buffer.alloc(16 * 1024, 'shared by all'), sampleBytes(i, 10)]),
      })),
    )
    await using store = await openPlaceStore({ path: directory.path, index: many.index })
    await deliver(store, many)
    const openFiles = (await readdir('/proc/self/fd').catch(() => [])).length
    assert.ok(openFiles < 512 + 60, `${openFiles} files open`)
    await store.finish()
    assert.ok((await store.verifyAll()).ok)
  })
})

describe('PlaceStore refuses', () => {
  it('a directory with other files, and leaves it alone', async () => {
    await using directory = await temporaryDirectory()
    for (let i = 0; i < 7; i++) await writeFile(directory.join(`holiday-${i}.jpg`), '')
    const fault = await faultOf(openPlaceStore({ path: directory.path, index }), 'FOREIGN_FILES')
    assert.equal(fault.found.length, 5)
    assert.equal((await readdir(directory.path)).length, 7)
    await faultOf(inspectTarget(directory.path), 'FOREIGN_FILES')
  })

  it('foreign files among its own', async () => {
    await using directory = await temporaryDirectory()
    await (await openPlaceStore({ path: directory.path, index })).close()
    await writeFile(directory.join('db', 'notes'), '')
    const fault = await faultOf(openPlaceStore({ path: directory.path, index }), 'FOREIGN_FILES')
    assert.deepEqual(fault.found, ['db/notes'])
  })

  it('a link in the place of a directory or file', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(directory.join('elsewhere'))
    const path = directory.join('target')
    await (await openPlaceStore({ path, index })).close()
    await rm(directory.join('target', 'db'), { recursive: true })
    await symlink(directory.join('elsewhere'), directory.join('target', 'db'))
    await symlink(directory.join('elsewhere', 'stolen'), directory.join('target', 'zeros'))
    const fault = await faultOf(openPlaceStore({ path, index }), 'FOREIGN_FILES')
    assert.deepEqual(fault.found.toSorted(), ['db', 'zeros'])
  })

  it('to follow a link that appears while it runs', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openPlaceStore({ path: directory.join('target'), index })
    await writeFile(directory.join('victim'), 'precious')
    await symlink(directory.join('victim'), directory.join('target', 'zeros'))
    const zeros = index.entries.findIndex(({ path }) => path === 'zeros')
    await faultOf(deliver(store, snapshot, [[...index.chunksOfFile(zeros)][0]!.chunk]), 'IO_FAILED')
    assert.equal(await readFile(directory.join('victim'), 'utf8'), 'precious')
  })

  it('the directory of another snapshot', async () => {
    await using directory = await temporaryDirectory()
    await (await openPlaceStore({ path: directory.path, index })).close()
    const other = sampleSnapshot(oddTree, 2).index
    const fault = await faultOf(openPlaceStore({ path: directory.path, index: other }), 'OTHER_SNAPSHOT')
    assert.deepEqual([fault.found, fault.wanted], [index.cid.toString(), other.cid.toString()])
  })

  it('a second holder', async () => {
    await using directory = await temporaryDirectory()
    await using _first = await openPlaceStore({ path: directory.path, index })
    await faultOf(openPlaceStore({ path: directory.path, index }), 'LOCKED')
  })

  it('a journal with a damaged header or of a later version', async () => {
    await using directory = await temporaryDirectory()
    await (await openPlaceStore({ path: directory.path, index })).close()
    const journal = directory.join('.cairn', 'journal')
    const bytes = await readFile(journal)
    bytes[20]! ^= 1
    await writeFile(journal, bytes)
    await faultOf(openPlaceStore({ path: directory.path, index }), 'CORRUPT')
    bytes[8] = 2
    await writeFile(journal, bytes)
    const fault = await faultOf(openPlaceStore({ path: directory.path, index }), 'UNSUPPORTED_VERSION')
    assert.equal(fault.found, 2)
  })

  it('a disk without room for the rest, before it writes any', async () => {
    await using directory = await temporaryDirectory()
    const total = index.root.totals.bytes
    const roomy = (bytes: number): Disk => ({ ...systemDisk, availableBytes: async () => bytes })
    const fault = await faultOf(openPlaceStore({ path: directory.path, index, disk: roomy(total - 1) }), 'NO_SPACE')
    assert.equal(fault.bytes, total)
    assert.deepEqual(await listTree(directory.path), {})
    {
      await using store = await openPlaceStore({ path: directory.path, index, disk: roomy(total) })
      await deliver(store, snapshot, chunks.slice(1))
    }
    const left = index.chunkBytes(0) * index.places(0).length
    await (await openPlaceStore({ path: directory.path, index, disk: roomy(left) })).close()
    await faultOf(openPlaceStore({ path: directory.path, index, disk: roomy(left - 1) }), 'NO_SPACE')
  })
})

describe('PlaceStore on a failing disk', () => {
  it('says that there is no space, keeps what it has, and goes on when there is some', async () => {
    await using directory = await temporaryDirectory()
    const disk = new FailingDisk()
    {
      await using store = await openPlaceStore({ path: directory.path, index, disk })
      await deliver(store, snapshot, [0])
      disk.fail('write', 'ENOSPC')
      const fault = await faultOf(store.deliver(1, plainFrame(snapshot.plain(1))), 'NO_SPACE')
      assert.match(fault.path, /db/)
      assert.deepEqual([...store.have.indices()], [0])
      disk.heal()
      await deliver(store, snapshot)
      await store.finish()
    }
    await using store = await openPlaceStore({ path: directory.path, index })
    assert.ok(store.isComplete && (await store.verifyAll()).ok)
  })

  it('writes over what a failed append left in the journal', async () => {
    await using directory = await temporaryDirectory()
    const disk = new FailingDisk('journal')
    await using store = await openPlaceStore({ path: directory.path, index, disk })
    disk.fail('write', 'ENOSPC')
    await Promise.all([3, 4, 5].map((chunk) => faultOf(deliver(store, snapshot, [chunk]), 'NO_SPACE')))
    assert.equal(store.have.count, 0)
    disk.heal()
    await deliver(store, snapshot, [7])
    assert.equal((await inspectTarget(directory.path))?.placedCount, 1)
  })

  it('takes nothing more after a barrier failed, and trusts only earlier barriers', async () => {
    await using directory = await temporaryDirectory()
    const disk = new FailingDisk()
    {
      await using store = await openPlaceStore({ path: directory.path, index, disk })
      await deliver(store, snapshot, [0, 1])
      await store.flush()
      await deliver(store, snapshot, [2, 3])
      disk.fail('datasync', 'EIO')
      await faultOf(store.flush(), 'IO_FAILED')
      await faultOf(deliver(store, snapshot, [4]), 'IO_FAILED')
      disk.heal()
      await faultOf(store.finish(), 'IO_FAILED')
    }
    await using store = await openPlaceStore({ path: directory.path, index })
    assert.deepEqual([...store.have.indices()], [0, 1])
  })
})
