import assert from 'node:assert/strict'
import { chmod, mkdir, open, readFile, rename, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { encodeDelta, sha256 } from '@cairn/protocol'
import {
  type AdoptMethod,
  forgetAside,
  LocalPlacer,
  openPlaceStore,
  type Placer,
  PlacingThread,
  PlacingThreads,
  planReuse,
  reuseChunks,
  reuseFiles,
  ReuseSources,
  setAside,
  type ReuseDirectory,
} from '../../src/index.ts'
import { type SampleSnapshot, writeSample } from '../../src/testing/index.ts'
import { faultOf } from '../fault.ts'
import { listTree } from '../place/trees.ts'
import { temporaryDirectory } from '../temporary-directory.ts'
import { finishFrom, joinWhole, near, nearLater, newer, newerTree, older, olderTree, sharedCount } from './versions.ts'

/** Builds `snapshot` at `path` from `directories` and, for the rest, from itself; how many chunks that rest was. */
async function build(path: string, snapshot: SampleSnapshot, directories: readonly ReuseDirectory[], placer: Placer): Promise<number> {
  const { index } = snapshot
  await using store = await openPlaceStore({ path, index, placer, isReusing: true })
  const sources = await ReuseSources.open({ target: index, have: store.have, directories, placer })
  const plan = planReuse(store, index, sources)
  await reuseFiles(store, index, sources)
  const tally = await reuseChunks(store, index, sources)
  assert.deepEqual([tally.chunks, tally.bytes], [plan.chunks, plan.bytes])
  assert.equal(plan.missing.count, index.chunksCount - store.have.count)
  return await finishFrom(store, snapshot)
}

describe('reuse', () => {
  const ways: readonly { readonly name: string; readonly methods: readonly AdoptMethod[]; readonly createPlacer: () => Placer }[] = [
    { name: 'by links', methods: ['link'], createPlacer: () => new LocalPlacer() },
    { name: 'by links, on the placing thread', methods: ['link', 'clone'], createPlacer: () => new PlacingThread() },
    { name: 'by clones, where the file system can', methods: ['clone'], createPlacer: () => new LocalPlacer() },
    { name: 'by copies', methods: [], createPlacer: () => new LocalPlacer() },
    { name: 'by copies, on the placing thread', methods: [], createPlacer: () => new PlacingThread() },
    { name: 'by links, on two placing threads', methods: ['link', 'clone'], createPlacer: () => new PlacingThreads(true) },
    { name: 'by copies, on two placing threads', methods: [], createPlacer: () => new PlacingThreads(true) },
  ]
  for (const { name, methods, createPlacer } of ways) {
    it(`makes a version from the one before it ${name}, and leaves that as it was`, async () => {
      await using directory = await temporaryDirectory()
      await writeSample(directory.join('published'), newerTree)
      await joinWhole(directory.join('5'), older)
      const before = await listTree(directory.join('5'))
      await using placer = createPlacer()
      const fetched = await build(directory.join('6'), newer, [{ root: directory.join('5'), index: older.index, methods }], placer)
      assert.equal(fetched, newer.index.chunksCount - sharedCount(older, newer))
      assert.ok(sharedCount(older, newer) > newer.index.chunksCount / 2)
      assert.deepEqual(await listTree(directory.join('6')), await listTree(directory.join('published')))
      assert.deepEqual(await listTree(directory.join('5')), before)
      const inodes = await Promise.all(
        ['5/db/kept', '6/db/kept', '5/db/mode', '6/db/mode', '5/db/old-name', '6/db/new-name'].map(
          async (path) => (await stat(directory.join(path))).ino,
        ),
      )
      const isLinking = methods.includes('link')
      // Names share permissions: other ones take a copy.
      assert.deepEqual([inodes[0] === inodes[1], inodes[2] === inodes[3], inodes[4] === inodes[5]], [isLinking, false, isLinking])
    })
  }

  it('finds by content what a directory without a manifest has', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('files'), olderTree)
    await using placer = new PlacingThread()
    const fetched = await build(directory.join('6'), newer, [{ root: directory.join('files'), methods: ['clone'] }], placer)
    assert.equal(fetched, newer.index.chunksCount - sharedCount(older, newer))
  })

  it('takes nothing unread from a file that somebody wrote to, and what is left of it by content', async () => {
    await using directory = await temporaryDirectory()
    const root = directory.join('5')
    await joinWhole(root, older)
    await chmod(directory.join('5', 'db', 'kept'), 0o644)
    const content = await readFile(directory.join('5', 'db', 'kept'))
    content[content.byteLength - 1]! ^= 1
    await writeFile(directory.join('5', 'db', 'kept'), content)
    await chmod(directory.join('5', 'db', 'kept'), 0o444)
    await using placer = new LocalPlacer()
    const fetched = await build(directory.join('6'), newer, [{ root, index: older.index, methods: ['link'] }], placer)
    assert.equal(fetched, newer.index.chunksCount - sharedCount(older, newer) + 1)
    await writeSample(directory.join('published'), newerTree)
    assert.deepEqual(await listTree(directory.join('6')), await listTree(directory.join('published')))
  })

  it('takes from an interrupted join what that has placed', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('published'), newerTree)
    const half = Array.from({ length: older.index.chunksCount }, (_, chunk) => chunk).filter((chunk) => chunk % 2 === 0)
    {
      await using store = await openPlaceStore({ path: directory.join('5'), index: older.index })
      for (const chunk of half) await store.deliver(chunk, Buffer.concat([Buffer.of(0), older.plain(chunk)]))
    }
    await using placer = new LocalPlacer()
    const fetched = await build(directory.join('6'), newer, [{ root: directory.join('5'), index: older.index, methods: ['move'] }], placer)
    const shared = half.filter((chunk) => newer.index.findChunk(older.index.chunkDigest(chunk)) !== undefined).length
    assert.equal(fetched, newer.index.chunksCount - shared)
    assert.deepEqual(await listTree(directory.join('6')), await listTree(directory.join('published')))
  })

  it('begins again where it was interrupted, also between a file and its chunks', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('published'), newerTree)
    await joinWhole(directory.join('5'), older)
    const directories = [{ root: directory.join('5'), index: older.index, methods: ['link'] as const }]
    await using placer = new LocalPlacer()
    {
      const { index } = newer
      await using store = await openPlaceStore({ path: directory.join('6'), index, placer, isReusing: true })
      const sources = await ReuseSources.open({ target: index, have: store.have, directories, placer })
      for (const [i, { type }] of index.entries.entries()) {
        const whole = type === 'file' ? sources.whole(i) : undefined
        if (whole !== undefined) assert.equal(await store.adopt(i, whole), index.entries[i]!.path === 'db/mode' ? undefined : 'link')
      }
    }
    await build(directory.join('6'), newer, directories, placer)
    assert.deepEqual(await listTree(directory.join('6')), await listTree(directory.join('published')))
    await using store = await openPlaceStore({ path: directory.join('5'), index: older.index })
    assert.ok((await store.verifyAll()).ok)
  })

  it('writes into no file that another version has, even where a chunk of it is written elsewhere', async () => {
    await using directory = await temporaryDirectory()
    await joinWhole(directory.join('5'), older)
    await using placer = new LocalPlacer()
    const before = await stat(directory.join('5', 'db', 'kept'), { bigint: true })
    await build(directory.join('6'), newer, [{ root: directory.join('5'), index: older.index, methods: ['link'] }], placer)
    const after = await stat(directory.join('5', 'db', 'kept'), { bigint: true })
    assert.deepEqual([after.mtimeNs, after.mode, after.nlink], [before.mtimeNs, before.mode, 2n])
  })
})

describe('a file that came by another name', () => {
  const methods = ['link'] as const
  const kept = newer.index.entryAt('db/kept')!
  /** Somebody writes to the file in the older version at `root`, which keeps its length. */
  const writeTo = async (root: string): Promise<Buffer> => {
    const path = join(root, 'db', 'kept')
    await chmod(path, 0o644)
    const content = await readFile(path)
    content.fill(7, 0, 1000)
    const file = await open(path, 'r+')
    await file.write(content)
    await file.close()
    await chmod(path, 0o444)
    return content
  }

  it('is not believed by the next run', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('published'), newerTree)
    await joinWhole(directory.join('5'), older)
    await using placer = new LocalPlacer()
    const directories = [{ root: directory.join('5'), index: older.index, methods }]
    {
      await using store = await openPlaceStore({ path: directory.join('6'), index: newer.index, placer, isReusing: true })
      const sources = await ReuseSources.open({ target: newer.index, have: store.have, directories, placer })
      assert.ok((await reuseFiles(store, newer.index, sources)) > 0)
      await reuseChunks(store, newer.index, sources)
      assert.ok(newer.index.chunksOfFile(kept).every(({ chunk }) => store.have.get(chunk)))
    }
    const written = await writeTo(directory.join('5'))
    await build(directory.join('6'), newer, directories, placer)
    assert.deepEqual(await listTree(directory.join('6')), await listTree(directory.join('published')))
    assert.deepEqual(await readFile(directory.join('5', 'db', 'kept')), written)
  })

  it('is not taken for what it was when it is written to before the end, and stays what it then is', async () => {
    await using directory = await temporaryDirectory()
    await writeSample(directory.join('published'), newerTree)
    await joinWhole(directory.join('5'), older)
    await using placer = new LocalPlacer()
    const { index } = newer
    await using store = await openPlaceStore({ path: directory.join('6'), index, placer, isReusing: true })
    const directories = [{ root: directory.join('5'), index: older.index, methods }]
    const sources = await ReuseSources.open({ target: index, have: store.have, directories, placer })
    await reuseFiles(store, index, sources)
    await reuseChunks(store, index, sources)
    const written = await writeTo(directory.join('5'))
    await faultOf(finishFrom(store, newer), 'CORRUPT')
    assert.ok((await finishFrom(store, newer)) > 0)
    assert.deepEqual(await listTree(directory.join('6')), await listTree(directory.join('published')))
    assert.deepEqual(await readFile(directory.join('5', 'db', 'kept')), written)
    await store.close()
    await using again = await openPlaceStore({ path: directory.join('6'), index })
    assert.ok(again.isComplete && (await again.verifyAll()).ok)
  })
})

describe('the repair of a directory that was complete', () => {
  it('puts back what was renamed, and takes from what was cut off, shifted or written into', async () => {
    await using directory = await temporaryDirectory()
    const root = directory.join('5')
    await joinWhole(root, older)
    const before = await listTree(root)
    await rename(directory.join('5', 'table'), directory.join('5', 'gone', 'elsewhere'))
    await truncate(directory.join('5', 'db', 'log'), 250_000)
    const name = directory.join('5', 'db', 'old-name')
    await writeFile(name, Buffer.concat([Buffer.from('in front'), await readFile(name)]))
    // Moved towards the front: what is put in place there must not go over what has not been read yet.
    await chmod(directory.join('5', 'db', 'kept'), 0o644)
    await writeFile(directory.join('5', 'db', 'kept'), (await readFile(directory.join('5', 'db', 'kept'))).subarray(1000))
    const mode = await readFile(directory.join('5', 'db', 'mode'))
    mode[0]! ^= 1
    await writeFile(directory.join('5', 'db', 'mode'), mode)

    const { index } = older
    const directories = await setAside(root, index)
    await using placer = new LocalPlacer()
    await using store = await openPlaceStore({ path: root, index, placer, isReusing: true })
    await store.verifyAll()
    const sources = await ReuseSources.open({ target: index, have: store.have, directories, placer })
    await reuseFiles(store, index, sources)
    await reuseChunks(store, index, sources)
    const fetched = await finishFrom(store, older)
    // The first of three files, and from the cut on those of a fourth.
    const lost = [...index.chunksOfFile(index.entryAt('db/log')!)].filter(({ offset, bytes }) => offset + bytes > 250_000).length
    assert.equal(fetched, lost + 3)
    await forgetAside(root)
    assert.deepEqual(await listTree(root), before)
  })

  it('leaves what it does not know where it is', async () => {
    await using directory = await temporaryDirectory()
    await joinWhole(directory.path, older)
    await mkdir(directory.join('mine'))
    await writeFile(directory.join('mine', 'notes'), 'mine')
    await writeFile(directory.join('notes'), 'mine')
    await using store = await openPlaceStore({ path: directory.path, index: older.index })
    await store.finish()
    assert.deepEqual((await store.verifyAll()).extra.toSorted(), ['mine', 'notes'])
    assert.equal(await readFile(directory.join('mine', 'notes'), 'utf8'), 'mine')
  })
})

describe('deltas', () => {
  const { index } = newer
  const chunk = index.findChunk(sha256(nearLater))!
  const base = older.index.findChunk(sha256(near))!
  const frameOf = (plain: Uint8Array): Uint8Array =>
    encodeDelta(plain, [{ digest: sha256(near), plain: near }], [{ base: 0, offset: 0, bytes: near.byteLength }])

  const placers = { 'by the calling thread': () => new LocalPlacer(), 'by the placing thread': () => new PlacingThread() }
  for (const [name, createPlacer] of Object.entries<() => Placer>(placers)) {
    it(`are placed from what they are made from, ${name}`, async () => {
      await using directory = await temporaryDirectory()
      await joinWhole(directory.join('5'), older)
      await using placer = createPlacer()
      await using store = await openPlaceStore({ path: directory.join('6'), index, placer })
      const frame = frameOf(newer.plain(chunk))
      await faultOf(store.deliver(chunk, frame), 'BASE_MISSING')
      const directories = [{ root: directory.join('5'), index: older.index, methods: [] }]
      const sources = await ReuseSources.open({ target: index, have: store.have, directories, placer })
      assert.deepEqual(sources.snapshots.map(String), [older.index.cid.toString()])
      store.useBases(sources)
      // Made well, and of another chunk: whoever sent it is to blame.
      await assert.rejects(store.deliver(chunk, frameOf(near.toReversed().fill(7, 0, 14_000))), { name: 'ProtocolError' })
      assert.equal(store.have.get(chunk), false)
      await store.deliver(chunk, frame)
      assert.deepEqual(Buffer.from((await store.read(chunk))!), Buffer.from(newer.plain(chunk)))
    })
  }

  /** Changes what the delta is made from in the older version at `path`, after somebody has looked whether it is as it was. */
  const damageBase = async (path: string): Promise<void> => {
    const { entry, offset } = older.index.places(base)[0]!
    const file = join(path, older.index.entries[entry]!.path)
    await chmod(file, 0o644)
    const content = await readFile(file)
    content[offset + 1]! ^= 1
    await writeFile(file, content)
  }

  it('are refused when what they are made from is not as it was', async () => {
    await using directory = await temporaryDirectory()
    await joinWhole(directory.join('5'), older)
    await using placer = new LocalPlacer()
    await using store = await openPlaceStore({ path: directory.join('6'), index, placer })
    const directories = [{ root: directory.join('5'), index: older.index, methods: [] }]
    store.useBases(await ReuseSources.open({ target: index, have: store.have, directories, placer }))
    await damageBase(directory.join('5'))
    const fault = await faultOf(store.deliver(chunk, frameOf(newer.plain(chunk))), 'BASE_MISSING')
    assert.deepEqual([fault.chunk, fault.base], [chunk, Buffer.from(sha256(near)).toString('hex')])
    assert.equal(store.have.get(chunk), false)
  })

  it('are made from another place that is as it was', async () => {
    await using directory = await temporaryDirectory()
    for (const name of ['5', 'other']) await joinWhole(directory.join(name), older)
    await using placer = new LocalPlacer()
    await using store = await openPlaceStore({ path: directory.join('6'), index, placer })
    const directories = ['5', 'other'].map((name) => ({ root: directory.join(name), index: older.index, methods: [] }))
    store.useBases(await ReuseSources.open({ target: index, have: store.have, directories, placer }))
    await damageBase(directory.join('5'))
    await store.deliver(chunk, frameOf(newer.plain(chunk)))
    assert.deepEqual(Buffer.from((await store.read(chunk))!), Buffer.from(newer.plain(chunk)))
  })
})
