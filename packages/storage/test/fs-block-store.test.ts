import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import type { CID } from '@cairn/protocol'
import { ManualClock } from '@cairn/runtime/testing'
import type { Blockstore } from 'interface-blockstore'
import { type FsBlockStore, openFsBlockStore } from '../src/index.ts'
import { sampleBlocks } from '../src/testing/index.ts'
import { faultOf, systemError } from './fault.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const blocks = sampleBlocks(6, 8192)
const [first, second, third] = [blocks[0]!, blocks[1]!, blocks[2]!]

describe('FsBlockStore', () => {
  it('holds after a restart what it held', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openFsBlockStore({ path: directory.path })
      await putAll(store)
      await store.delete(third.cid)
    }
    await using store = await openFsBlockStore({ path: directory.path })
    const kept = blocks.filter((block) => block !== third)
    assert.equal(store.blocksCount, kept.length)
    assert.equal(
      store.totalBytes,
      kept.reduce((bytes, { frame }) => bytes + frame.byteLength, 0),
    )
    for (const { cid, frame } of kept) assert.deepEqual(Buffer.from((await store.get(cid))!), Buffer.from(frame))
  })

  it('admits one holder and names it', async () => {
    await using directory = await temporaryDirectory()
    {
      await using _holder = await openFsBlockStore({ path: directory.path })
      const fault = await faultOf(openFsBlockStore({ path: directory.path }), 'LOCKED')
      assert.equal(fault.holder, `process ${process.pid}`)
    }
    await using _next = await openFsBlockStore({ path: directory.path })
  })

  it('refuses the format of a later version', async () => {
    await using directory = await temporaryDirectory()
    await (await openFsBlockStore({ path: directory.path })).close()
    editIndex(directory.path, 'PRAGMA user_version = 9')
    const fault = await faultOf(openFsBlockStore({ path: directory.path }), 'UNSUPPORTED_VERSION')
    assert.deepEqual([fault.found, fault.supported], [9, 2])
  })

  it('reports a path that is not a directory', async () => {
    await using directory = await temporaryDirectory()
    await writeFile(directory.join('file'), '')
    await faultOf(openFsBlockStore({ path: directory.join('file') }), 'IO_FAILED')
  })
})

describe('FsBlockStore on a failing disk', () => {
  it('says that there is no space, keeps what it has, leaves no temporary file, and goes on', async () => {
    await using directory = await temporaryDirectory()
    let full = false
    await using store = await openFsBlockStore({ path: directory.path, blocks: failingWriter(directory.path, () => full && 'ENOSPC') })
    await store.put(first.cid, first.frame)
    full = true
    const fault = await faultOf(store.put(second.cid, second.frame), 'NO_SPACE')
    assert.equal(fault.bytes, second.frame.byteLength)
    assert.match(fault.path, new RegExp(second.cid.toString()))
    assert.deepEqual([store.has(second.cid), store.blocksCount], [false, 1])
    assert.deepEqual(await filesIn(directory.join('data')), [nameOf(first.cid)])
    full = false
    await store.put(second.cid, second.frame)
    assert.equal(store.blocksCount, 2)
    assert.ok(await store.get(first.cid))
  })

  it('says that the disk failed', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openFsBlockStore({ path: directory.path, blocks: failingWriter(directory.path, () => 'EIO') })
    const fault = await faultOf(store.put(first.cid, first.frame), 'IO_FAILED')
    assert.match(fault.reason, /EIO/)
  })

  it('drops a block whose file was changed, once with CORRUPT, then as not there', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openFsBlockStore({ path: directory.path })
    await putAll(store)
    for (const { cid } of [first, second]) {
      const path = fileOf(directory.path, cid)
      const bytes = await readFile(path)
      if (cid === first.cid) bytes[100]! ^= 1
      await writeFile(path, cid === first.cid ? bytes : Buffer.concat([bytes, Buffer.from('x')]))
      await faultOf(store.get(cid), 'CORRUPT')
      assert.equal(store.has(cid), false)
      assert.equal(await store.get(cid), undefined)
    }
    await store.put(first.cid, first.frame)
    assert.ok(await store.get(first.cid))
  })
})

// What a killed process leaves is made here by copying the directory of a store that is still open.
describe('FsBlockStore after a run that did not close it', () => {
  it('adopts verified files that were not indexed, and removes unfinished and false ones', async () => {
    await using directory = await temporaryDirectory()
    await using running = await openFsBlockStore({ path: directory.join('a'), clock: new ManualClock() })
    await running.put(first.cid, first.frame)
    await running.flush()
    await running.put(second.cid, second.frame)
    await running.put(third.cid, third.frame)
    await cp(directory.join('a'), directory.join('b'), { recursive: true })
    const thirdFile = fileOf(directory.join('b'), third.cid)
    await writeFile(thirdFile, first.frame)
    await writeFile(join(thirdFile, '..', `.${nameOf(third.cid)}.tmp`), 'unfinished')
    await writeFile(join(thirdFile, '..', 'notes.txt'), 'not ours')

    await using store = await openFsBlockStore({ path: directory.join('b') })
    assert.deepEqual([store.has(first.cid), store.has(second.cid), store.has(third.cid)], [true, true, false])
    assert.equal(store.totalBytes, first.frame.byteLength + second.frame.byteLength)
    assert.deepEqual(await filesIn(directory.join('b', 'data')), [nameOf(first.cid), nameOf(second.cid), 'notes.txt'].sort())
    assert.deepEqual(Buffer.from((await store.get(second.cid))!), Buffer.from(second.frame))
  })

  it('drops rows whose file is gone', async () => {
    await using directory = await temporaryDirectory()
    await using running = await openFsBlockStore({ path: directory.join('a'), clock: new ManualClock() })
    await putAll(running)
    await running.flush()
    await running.delete(first.cid) // the row waits for its transaction, which never comes
    await cp(directory.join('a'), directory.join('b'), { recursive: true })
    await using store = await openFsBlockStore({ path: directory.join('b') })
    assert.deepEqual([store.has(first.cid), store.blocksCount], [false, blocks.length - 1])
  })

  it('drops a file that a power cut left short, without reading the others', async () => {
    await using directory = await temporaryDirectory()
    await using running = await openFsBlockStore({ path: directory.join('a') })
    await putAll(running)
    await running.flush()
    await cp(directory.join('a'), directory.join('b'), { recursive: true })
    await truncate(fileOf(directory.join('b'), first.cid), 0)
    editIndex(directory.join('b'), `UPDATE state SET boot_id = 'another'`)
    await using store = await openFsBlockStore({ path: directory.join('b') })
    assert.deepEqual([store.has(first.cid), store.blocksCount], [false, blocks.length - 1])
  })

  it('makes a damaged index again from the files', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openFsBlockStore({ path: directory.path })
      await putAll(store)
    }
    await writeFile(directory.join('index.sqlite'), 'this is not a database, whatever its name says. '.repeat(50))
    await using store = await openFsBlockStore({ path: directory.path })
    assert.equal(store.blocksCount, blocks.length)
    for (const { cid, frame } of blocks) assert.deepEqual(Buffer.from((await store.get(cid))!), Buffer.from(frame))
  })
})

async function putAll(store: FsBlockStore): Promise<void> {
  await Promise.all(blocks.map(({ cid, frame }) => store.put(cid, frame)))
}

function nameOf(cid: CID): string {
  return `${cid.toString()}.frame`
}

function fileOf(store: string, cid: CID): string {
  return join(store, 'data', cid.toString().slice(-2), nameOf(cid))
}

async function filesIn(path: string): Promise<readonly string[]> {
  const dirents = await readdir(path, { recursive: true, withFileTypes: true })
  return dirents
    .filter((dirent) => dirent.isFile())
    .map(({ name }) => name)
    .sort()
}

function editIndex(store: string, sql: string): void {
  const database = new DatabaseSync(join(store, 'index.sqlite'))
  database.exec(sql)
  database.close()
}

/** Writes as blockstore-fs does and fails like it: half of the file is there under its temporary name, the error is reduced to text. */
function failingWriter(store: string, fault: () => false | 'ENOSPC' | 'EIO'): Pick<Blockstore, 'put'> {
  return {
    async put(cid, frame) {
      assert.ok(frame instanceof Uint8Array)
      const path = fileOf(store, cid)
      await mkdir(join(path, '..'), { recursive: true })
      const code = fault()
      if (code !== false) {
        await writeFile(join(path, '..', `.${nameOf(cid)}.tmp`), frame.subarray(0, frame.byteLength / 2))
        throw new Error(String(systemError(code)))
      }
      await writeFile(path, frame)
      return cid
    },
  }
}
