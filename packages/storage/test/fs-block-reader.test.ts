import assert from 'node:assert/strict'
import { readdir, rm, truncate, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { ManualClock } from '@cairn/runtime/testing'
import { FsBlockReader, openFsBlockStore } from '../src/index.ts'
import { sampleBlocks } from '../src/testing/index.ts'
import { faultOf } from './fault.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const [first, second] = sampleBlocks(2, 8192) as readonly [SampleBlock, SampleBlock]

describe('FsBlockReader', () => {
  it('sees what a writer has flushed, while the writer holds the store', async () => {
    await using directory = await temporaryDirectory()
    await using writer = await openFsBlockStore({ path: directory.path, clock: new ManualClock() })
    await using reader = new FsBlockReader(directory.path)
    await writer.put(first.cid, first.frame)
    assert.deepEqual([reader.has(first.cid), await reader.get(first.cid)], [false, undefined], 'its row is not committed')
    await writer.flush()
    assert.equal(reader.has(first.cid), true)
    assert.deepEqual(Buffer.from((await reader.get(first.cid))!), Buffer.from(first.frame))

    await writer.put(second.cid, second.frame)
    await writer.flush()
    assert.deepEqual(Buffer.from((await reader.get(second.cid))!), Buffer.from(second.frame))
  })

  it('sees what a writer left that has closed', async () => {
    await using directory = await temporaryDirectory()
    {
      await using writer = await openFsBlockStore({ path: directory.path })
      await writer.put(first.cid, first.frame)
    }
    await using reader = new FsBlockReader(directory.path)
    assert.deepEqual([reader.has(first.cid), reader.has(second.cid)], [true, false])
    assert.deepEqual(Buffer.from((await reader.get(first.cid))!), Buffer.from(first.frame))
  })

  it('changes nothing, and keeps nobody from writing', async () => {
    await using directory = await temporaryDirectory()
    await using writer = await openFsBlockStore({ path: directory.path, clock: new ManualClock() })
    await writer.put(first.cid, first.frame)
    await writer.flush()
    const files = await filesIn(directory.path)
    await using one = new FsBlockReader(directory.path)
    await using other = new FsBlockReader(directory.path)
    await Promise.all([one.get(first.cid), other.get(first.cid), other.get(second.cid)])
    assert.deepEqual(await filesIn(directory.path), files)
    await one.close()
    await writer.put(second.cid, second.frame)
    await writer.flush()
    assert.equal(other.has(second.cid), true)
  })

  it('says that a block is gone once its writer has deleted it', async () => {
    await using directory = await temporaryDirectory()
    await using writer = await openFsBlockStore({ path: directory.path, clock: new ManualClock() })
    await writer.put(first.cid, first.frame)
    await writer.flush()
    await using reader = new FsBlockReader(directory.path)
    assert.equal(reader.has(first.cid), true)
    await writer.delete(first.cid)
    assert.equal(await reader.get(first.cid), undefined, 'the file goes before its row')
    await writer.flush()
    assert.deepEqual([await reader.get(first.cid), reader.has(first.cid)], [undefined, false])
    await writer.put(first.cid, first.frame)
    await writer.flush()
    assert.ok(await reader.get(first.cid))
  })

  it('says so when a frame is not what was written', async () => {
    await using directory = await temporaryDirectory()
    await using writer = await openFsBlockStore({ path: directory.path })
    await writer.put(first.cid, first.frame)
    await writer.flush()
    await using reader = new FsBlockReader(directory.path)
    const path = directory.join('data', first.cid.toString().slice(-2), `${first.cid.toString()}.frame`)
    const flipped = Buffer.from(first.frame)
    flipped[100]! ^= 1
    await writeFile(path, flipped)
    assert.equal((await faultOf(reader.get(first.cid), 'CORRUPT')).path, path)
    await writeFile(path, Buffer.concat([first.frame, Buffer.from('more')]))
    await faultOf(reader.get(first.cid), 'CORRUPT')
    await truncate(path, 100)
    await faultOf(reader.get(first.cid), 'CORRUPT')
    await writeFile(path, first.frame)
    assert.ok(await reader.get(first.cid))
    await rm(path)
    assert.equal(await reader.get(first.cid), undefined)
  })

  it('refuses an index that is damaged, of a later version, or not there', async () => {
    await using directory = await temporaryDirectory()
    await faultOf(
      opening(() => new FsBlockReader(directory.join('absent'))),
      'IO_FAILED',
    )
    await (await openFsBlockStore({ path: directory.path })).close()
    const database = new DatabaseSync(directory.join('index.sqlite'))
    database.exec('PRAGMA user_version = 9')
    database.close()
    const fault = await faultOf(
      opening(() => new FsBlockReader(directory.path)),
      'UNSUPPORTED_VERSION',
    )
    assert.deepEqual([fault.found, fault.supported], [9, 2])
    await writeFile(directory.join('index.sqlite'), 'this is not a database, whatever its name says. '.repeat(50))
    await faultOf(
      opening(() => new FsBlockReader(directory.path)),
      'CORRUPT',
    )
  })
})

type SampleBlock = ReturnType<typeof sampleBlocks>[number]

async function opening(open: () => FsBlockReader): Promise<void> {
  await open().close()
}

/** Every file below `path` but the log that SQLite shares between those who have it open. */
async function filesIn(path: string): Promise<readonly string[]> {
  const dirents = await readdir(path, { recursive: true, withFileTypes: true })
  return dirents
    .filter((dirent) => dirent.isFile() && !dirent.name.endsWith('-shm') && !dirent.name.endsWith('-wal'))
    .map(({ name }) => name)
    .sort()
}
