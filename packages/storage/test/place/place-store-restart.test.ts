import assert from 'node:assert/strict'
import { chmod, cp, lstat, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { openPlaceStore, type Rollback } from '../../src/index.ts'
import { sampleSnapshot } from '../../src/testing/index.ts'
import { faultOf } from '../fault.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { FailingDisk } from './failing-disk.ts'
import { deliver, oddTree, stagedTree } from './trees.ts'

const snapshot = sampleSnapshot(oddTree)
const { index } = snapshot
const chunks = Array.from({ length: index.chunksCount }, (_, i) => i)

describe('PlaceStore that starts again', () => {
  it('runs a barrier by itself after 2 s', async () => {
    await using directory = await temporaryDirectory()
    const clock = new ManualClock()
    const disk = new FailingDisk()
    await using store = await openPlaceStore({ path: directory.path, index, disk, clock })
    await deliver(store, snapshot, [0])
    assert.equal(disk.calls.datasync, 0)
    await clock.advance(2000)
    await store.flush() // waits for the one that the timer started
    assert.ok(disk.calls.datasync > 0)
    const before = disk.calls.datasync
    await store.flush()
    assert.equal(disk.calls.datasync, before, 'nothing was left to do')
  })

  it('trusts the journal in the same run of the machine, and no further than barriers in another', async () => {
    await using directory = await temporaryDirectory()
    const path = directory.join('target')
    await using running = await openPlaceStore({ path, index, clock: new ManualClock() })
    await deliver(running, snapshot, [0, 1, 2])
    await running.flush()
    await deliver(running, snapshot, [3, 4, 5])
    const damaged = await damage(path, 4)

    // Copies have other inode numbers, which alone makes the store hash: the target is moved instead.
    await cp(path, directory.join('kept'), { recursive: true })
    await running.close()
    await rm(directory.join('target', '.cairn', 'journal'))
    await cp(directory.join('kept', '.cairn', 'journal'), directory.join('target', '.cairn', 'journal'))
    {
      await using store = await openPlaceStore({ path, index })
      assert.deepEqual([...store.have.indices()], [0, 1, 2, 3, 4, 5], 'same run: nothing is read')
    }
    await cp(directory.join('kept', '.cairn', 'journal'), directory.join('target', '.cairn', 'journal'))
    await pretendReboot(directory.join('target', '.cairn', 'journal'))
    await using store = await openPlaceStore({ path, index })
    assert.deepEqual([...store.have.indices()], [0, 1, 2, 3, 5], `${damaged} was hashed`)
  })

  it('keeps a committed stage after a reboot, by hashing its chunks, without a barrier over what came later', async () => {
    await using directory = await temporaryDirectory()
    const path = directory.join('target')
    const early = sampleSnapshot(stagedTree)
    const journal = directory.join('target', '.cairn', 'journal')
    const stages = [...early.index.stageChunks('bootstrap')]
    const disk = new FailingDisk('hot')
    {
      await using store = await openPlaceStore({ path, index: early.index, disk, clock: new ManualClock() })
      await deliver(store, early, early.index.stageChunks('hot'))
      await deliver(store, early, stages)
      await store.commitStage('bootstrap')
      assert.equal(disk.calls.datasync, 0, 'nothing of the later stage was waited for')
      await cp(journal, directory.join('kept'))
    }
    await cp(directory.join('kept'), journal)
    await pretendReboot(journal)
    {
      await using store = await openPlaceStore({ path, index: early.index })
      assert.deepEqual([store.stageCommitted('bootstrap'), store.have.count], [true, early.index.stageRange('hot').to])
    }
  })

  it('notices files that are gone, replaced or of another length', async () => {
    await using directory = await temporaryDirectory()
    const path = (name: string): string => directory.join(name)
    {
      await using store = await openPlaceStore({ path: directory.path, index })
      await deliver(store, snapshot)
    }
    await rm(path('a-first'))
    await truncate(path('db/000005.ldb'), 10)
    await cp(path('a/script'), path('a/script.copy'))
    await rename(path('a/script.copy'), path('a/script'))
    const secret = await readFile(path('a/secret'))
    secret[17_000]! ^= 1
    await writeFile(path('a/secret.copy'), secret)
    await rename(path('a/secret.copy'), path('a/secret'))

    await using store = await openPlaceStore({ path: directory.path, index })
    const lost = chunks.filter((chunk) => !store.have.get(chunk))
    const chunksOf = (name: string): readonly number[] => {
      const entry = index.entries.findIndex(({ path }) => path === name)
      return [...index.chunksOfFile(entry)].map(({ chunk }) => chunk)
    }
    assert.deepEqual(
      lost,
      [...chunksOf('db/000005.ldb'), ...chunksOf('a-first'), chunksOf('a/secret')[1]!].toSorted((a, b) => a - b),
    )
    await deliver(store, snapshot)
    await store.finish()
    assert.ok((await store.verifyAll()).ok)
  })

  it('repairs a finished directory, read-only files included', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openPlaceStore({ path: directory.path, index })
      await deliver(store, snapshot)
      await store.finish()
    }
    await using store = await openPlaceStore({ path: directory.path, index })
    const chunk = await damage(directory.path, 6)
    const report = await store.verifyAll()
    assert.equal(report.altered.length > 0, true)
    assert.deepEqual([store.have.get(chunk), store.isComplete], [false, false])
    await deliver(store, snapshot)
    await store.finish()
    assert.ok((await store.verifyAll()).ok)
  })

  it('stops serving a chunk that somebody edited, also after a restart', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openPlaceStore({ path: directory.path, index })
      await deliver(store, snapshot)
      await damage(directory.path, 5)
      assert.equal(await store.get(index.chunkCid(5)), undefined)
      assert.equal(store.has(index.chunkCid(5)), false)
    }
    await using store = await openPlaceStore({ path: directory.path, index })
    assert.deepEqual([store.have.get(5), store.have.count], [false, index.chunksCount - 1])
  })

  it('does not finish over a file that was replaced meanwhile', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openPlaceStore({ path: directory.path, index })
    await deliver(store, snapshot)
    await writeFile(directory.join('zeros.new'), Buffer.alloc(40 * 1024, 1))
    await rename(directory.join('zeros.new'), directory.join('zeros'))
    const fault = await faultOf(store.finish(), 'CORRUPT')
    assert.match(fault.path, /zeros$/)
    assert.equal(store.have.isFull(), false)
  })

  it('goes back to the last committed stage when a file of a later one was replaced, and takes its chunks anew', async () => {
    await using directory = await temporaryDirectory()
    const early = sampleSnapshot(stagedTree)
    const rollbacks: Rollback[] = []
    await using store = await openPlaceStore({
      path: directory.path,
      index: early.index,
      onRolledBack: (rollback) => rollbacks.push(rollback),
    })
    await deliver(store, early)
    for (const stage of ['bootstrap', 'hot'] as const) await store.commitStage(stage)
    await writeFile(directory.join('stranger'), 'hot data?')
    await rename(directory.join('stranger'), directory.join('hot'))
    await faultOf(store.finish(), 'CORRUPT')
    assert.deepEqual(
      rollbacks.map(({ stage }) => stage),
      ['bootstrap'],
    )
    assert.deepEqual([store.stageCommitted('bootstrap'), store.stageCommitted('hot')], [true, false])
    await deliver(store, early, rollbacks[0]!.chunks)
    await store.commitStage('hot')
    await store.finish()
    assert.ok((await store.verifyAll()).ok)
    await store.rollback()
    assert.equal(rollbacks.length, 1, 'nothing is wrong')
  })

  it('commits a stage again that lost a chunk and got it back, also after a restart', async () => {
    await using directory = await temporaryDirectory()
    const early = sampleSnapshot(stagedTree)
    {
      await using store = await openPlaceStore({ path: directory.path, index: early.index })
      await deliver(store, early)
      await store.commitStage('bootstrap')
      await store.commitStage('hot')
      await truncate(directory.join('hot'), 1)
      await store.rollback()
      await deliver(store, early)
    }
    await using store = await openPlaceStore({ path: directory.path, index: early.index })
    assert.deepEqual([store.stageCommitted('bootstrap'), store.stageCommitted('hot')], [true, false])
  })

  it('reads a chunk back, and none that is not as it was', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openPlaceStore({ path: directory.path, index })
    assert.equal(await store.read(0), undefined)
    await deliver(store, snapshot)
    assert.deepEqual(Buffer.from((await store.read(0))!), Buffer.from(snapshot.plain(0)))
    await damage(directory.path, 0)
    assert.equal(await store.read(0), undefined)
    assert.equal(store.have.get(0), false)
  })

  it('loses nothing but the tail when the journal is torn or damaged', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openPlaceStore({ path: directory.path, index })
      for (const chunk of chunks) await deliver(store, snapshot, [chunk])
    }
    const journal = directory.join('.cairn', 'journal')
    const bytes = await readFile(journal)
    bytes[bytes.byteLength - 60]! ^= 0x40
    await writeFile(journal, bytes)
    await using store = await openPlaceStore({ path: directory.path, index })
    assert.ok(store.have.count > 0 && store.have.count < index.chunksCount)
    await deliver(store, snapshot)
    await store.finish()
    assert.ok((await store.verifyAll()).ok)
  })
})

/** Changes one byte of a chunk's first place, leaving length, inode and permissions as they are. */
async function damage(root: string, chunk: number): Promise<number> {
  const { entry, offset } = index.places(chunk)[0]!
  const path = `${root}/${index.entries[entry]!.path}`
  const { mode } = await lstat(path)
  await chmod(path, 0o600)
  const bytes = await readFile(path)
  bytes[offset]! ^= 1
  await writeFile(path, bytes)
  await chmod(path, mode & 0o7777)
  return chunk
}

/** Makes the journal one of an earlier run of the machine: its header gets another boot id, everything else stays. */
async function pretendReboot(journal: string): Promise<void> {
  const { decodeJournal, encodeHeader, encodeRecords } = await import('../../src/place/journal-codec.ts')
  const { header, records } = decodeJournal(await readFile(journal), journal)
  const head = encodeHeader({ ...header, bootId: 'f'.repeat(32) })
  await writeFile(journal, Buffer.concat([head.bytes, encodeRecords(records, head.checksum).bytes]))
}
