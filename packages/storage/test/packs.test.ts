import assert from 'node:assert/strict'
import { appendFile, cp, mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import { ManualClock } from '@cairn/runtime/testing'
import { FsBlockReader, type FsBlockStore, openFsBlockStore } from '../src/index.ts'
import { sampleBlocks, type SampleBlock } from '../src/testing/index.ts'
import { PackWriter } from '../src/worker/index.ts'
import { faultOf } from './fault.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const blocks = sampleBlocks(8, 8192)
const [first, second, third] = [blocks[0]!, blocks[1]!, blocks[2]!]

describe('a pack', () => {
  it('has the bytes of its format', async () => {
    await using directory = await temporaryDirectory()
    using writer = new PackWriter(directory.join('pack'))
    const [packed] = writer.append([{ cid: first.cid.bytes, frame: [first.frame] }])
    const header = Buffer.alloc(8)
    header.writeUInt32BE(first.frame.byteLength, 0)
    header.writeUInt32BE(crc32(first.frame), 4)
    const wanted = Buffer.concat([Buffer.from('636169726e706b01', 'hex'), first.cid.bytes, header, first.frame])
    assert.deepEqual(await readFile(directory.join('pack')), wanted)
    assert.deepEqual(packed, { cid: first.cid.bytes, start: 52, bytes: first.frame.byteLength, checksum: crc32(first.frame) })
  })

  it('is never written over', async () => {
    await using directory = await temporaryDirectory()
    await writeFile(directory.join('pack'), '')
    assert.throws(() => new PackWriter(directory.join('pack')), { name: 'StorageError', message: /EEXIST/ })
  })
})

describe('FsBlockStore with packs', () => {
  it('holds what was packed, also after a restart, and shows it to readers', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openFsBlockStore({ path: directory.path })
      await store.put(first.cid, first.frame)
      await packInto(store, blocks.slice(1))
      await assertHolds(store, blocks)
      await store.flush()
      await using reader = new FsBlockReader(directory.path)
      await assertHolds(reader, blocks)
    }
    await using store = await openFsBlockStore({ path: directory.path })
    await assertHolds(store, blocks)
    assert.equal(store.totalBytes, bytesOf(blocks))
    await packInto(store, sampleBlocks(10, 8192).slice(8))
    assert.deepEqual(await packsIn(directory.path), ['00000001.pack', '00000002.pack'])
  })

  it('keeps a block where it is when it comes a second time', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openFsBlockStore({ path: directory.path })
    await store.put(first.cid, first.frame)
    assert.equal(await packInto(store, [first, second]), second.frame.byteLength)
    assert.equal(await packInto(store, [first, second]), 0)
    await store.put(second.cid, second.frame)
    assert.deepEqual([store.blocksCount, store.totalBytes], [2, bytesOf([first, second])])
    await assertHolds(store, [first, second])
    await store.flush()
    assert.deepEqual(await packsIn(directory.path), ['00000001.pack'], 'a pack that holds nothing is removed')
  })

  it('frees the room of what is deleted: a pack that is mostly dead becomes files', async () => {
    await using directory = await temporaryDirectory()
    const incompressible = sampleBlocks(16, 8192).filter((_, i) => i % 2 === 0)
    const kept = incompressible.slice(6)
    {
      await using store = await openFsBlockStore({ path: directory.path })
      await packInto(store, incompressible)
      await store.flush()
      for (const { cid } of incompressible.slice(0, 3)) await store.delete(cid)
      assert.deepEqual(await packsIn(directory.path), ['00000001.pack'])
      await Promise.all([
        ...incompressible.slice(3, 6).map(({ cid }) => store.delete(cid)),
        ...kept.map(async ({ cid, frame }) => assert.deepEqual(Buffer.from((await store.get(cid))!), Buffer.from(frame))),
      ])
      assert.deepEqual(await packsIn(directory.path), [])
      assert.equal(store.totalBytes, bytesOf(kept))
      await assertHolds(store, kept)
    }
    await using store = await openFsBlockStore({ path: directory.path })
    await assertHolds(store, kept)
    assert.equal(store.blocksCount, kept.length)
  })

  it('does not touch a pack that is being filled', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openFsBlockStore({ path: directory.path })
    const { pack, path } = await store.createPack()
    using writer = new PackWriter(path)
    store.takePacked(pack, writer.append([recordOf(first)]))
    await store.delete(first.cid)
    store.takePacked(pack, writer.append([recordOf(second)]))
    await assertHolds(store, [second])
    assert.equal(store.has(first.cid), false)
  })

  it('cuts off what it was not told of, and removes a pack that stayed empty', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openFsBlockStore({ path: directory.path })
      const [told, untold] = [await store.createPack(), await store.createPack()]
      using writer = new PackWriter(told.path)
      store.takePacked(told.pack, writer.append([recordOf(first)]))
      writer.append([recordOf(second)])
      using other = new PackWriter(untold.path)
      other.append([recordOf(third)])
    }
    assert.deepEqual(await packsIn(directory.path), ['00000001.pack'])
    assert.equal((await stat(directory.join('packs', '00000001.pack'))).size, 52 + first.frame.byteLength)
    await using store = await openFsBlockStore({ path: directory.path })
    assert.equal(store.blocksCount, 1)
  })

  it('drops a block whose bytes were changed, once with CORRUPT, then as not there', async () => {
    await using directory = await temporaryDirectory()
    await using store = await openFsBlockStore({ path: directory.path })
    await packInto(store, blocks)
    const path = directory.join('packs', '00000001.pack')
    const bytes = await readFile(path)
    bytes[100]! ^= 1
    await writeFile(path, bytes)
    assert.equal((await faultOf(store.get(first.cid), 'CORRUPT')).path, path)
    assert.equal(await store.get(first.cid), undefined)
    await assertHolds(store, blocks.slice(1))
  })
})

// What a killed process leaves is made here by copying the directory of a store that is still open.
describe('FsBlockStore with packs, after a run that did not close it', () => {
  it('adopts verified frames that were not indexed, and cuts off the rest', async () => {
    await using directory = await temporaryDirectory()
    await using running = await openFsBlockStore({ path: directory.join('a'), clock: new ManualClock() })
    const { pack, path } = await running.createPack()
    using writer = new PackWriter(path)
    running.takePacked(pack, writer.append([recordOf(first)]))
    await running.flush()
    writer.append([recordOf(second), { cid: third.cid.bytes, frame: [first.frame] }])
    const whole = (await stat(path)).size
    await cp(directory.join('a'), directory.join('b'), { recursive: true })
    const copy = directory.join('b', 'packs', '00000001.pack')
    await appendFile(copy, Buffer.concat([third.cid.bytes, Buffer.from('00002000', 'hex')]))

    await using store = await openFsBlockStore({ path: directory.join('b') })
    await assertHolds(store, [first, second])
    assert.deepEqual([store.has(third.cid), store.blocksCount], [false, 2])
    assert.equal((await stat(copy)).size, whole)
  })

  it('drops what a power cut took from a pack, and packs that are gone', async () => {
    await using directory = await temporaryDirectory()
    await using running = await openFsBlockStore({ path: directory.join('a') })
    await packInto(running, blocks.slice(0, 4))
    await packInto(running, blocks.slice(4))
    await running.flush()
    await cp(directory.join('a'), directory.join('b'), { recursive: true })
    await truncate(directory.join('b', 'packs', '00000001.pack'), 52 + first.frame.byteLength + 60)
    await truncate(directory.join('b', 'packs', '00000002.pack'), 4)
    await using store = await openFsBlockStore({ path: directory.join('b') })
    await assertHolds(store, [first])
    assert.deepEqual([store.blocksCount, store.totalBytes], [1, first.frame.byteLength])
    assert.deepEqual(await packsIn(directory.join('b')), ['00000001.pack'])
  })

  it('makes a damaged index again from the packs', async () => {
    await using directory = await temporaryDirectory()
    {
      await using store = await openFsBlockStore({ path: directory.path })
      await packInto(store, blocks)
    }
    await writeFile(directory.join('index.sqlite'), 'this is not a database, whatever its name says. '.repeat(50))
    await using store = await openFsBlockStore({ path: directory.path })
    await assertHolds(store, blocks)
    assert.equal(store.blocksCount, blocks.length)
  })
})

describe('a store of version 1', () => {
  it('opens, holds what it held, and takes packs', async () => {
    await using directory = await temporaryDirectory()
    await mkdir(directory.join('data', shardOf(first)), { recursive: true })
    await writeFile(directory.join('data', shardOf(first), `${first.cid.toString()}.frame`), first.frame)
    const database = new DatabaseSync(directory.join('index.sqlite'))
    database.exec(`
      CREATE TABLE blocks (cid BLOB PRIMARY KEY, bytes INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), clean INTEGER NOT NULL, boot_id TEXT) STRICT;
      INSERT INTO state (id, clean) VALUES (1, 1);
      PRAGMA user_version = 1`)
    database.prepare('INSERT INTO blocks VALUES (?, ?, ?)').run(first.cid.bytes, first.frame.byteLength, crc32(first.frame))
    database.close()
    {
      await using reader = new FsBlockReader(directory.path)
      await assertHolds(reader, [first])
    }
    await using store = await openFsBlockStore({ path: directory.path })
    await packInto(store, [first, second])
    await assertHolds(store, [first, second])
  })
})

function recordOf({ cid, frame }: SampleBlock): { readonly cid: Uint8Array; readonly frame: readonly Uint8Array[] } {
  return { cid: cid.bytes, frame: [frame.subarray(0, 1), frame.subarray(1)] }
}

async function packInto(store: FsBlockStore, packed: readonly SampleBlock[]): Promise<number> {
  const { pack, path } = await store.createPack()
  using writer = new PackWriter(path)
  const bytes = store.takePacked(pack, writer.append(packed.map(recordOf)))
  store.sealPack(pack)
  return bytes
}

async function assertHolds(store: Pick<FsBlockStore, 'has' | 'get'>, held: readonly SampleBlock[]): Promise<void> {
  for (const { cid, frame } of held) {
    assert.ok(store.has(cid))
    assert.deepEqual(Buffer.from((await store.get(cid))!), Buffer.from(frame))
  }
}

function bytesOf(held: readonly SampleBlock[]): number {
  return held.reduce((bytes, { frame }) => bytes + frame.byteLength, 0)
}

function shardOf({ cid }: SampleBlock): string {
  return cid.toString().slice(-2)
}

async function packsIn(store: string): Promise<readonly string[]> {
  return (await readdir(join(store, 'packs'))).sort()
}
