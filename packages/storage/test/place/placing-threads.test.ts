import assert from 'node:assert/strict'
import { link, readdir, readFile, readlink, rename, rm, stat, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { plainFrame, sha256 } from '@cairn/protocol'
import { LocalPlacer, PlacingThreads } from '../../src/index.ts'
import { PlacingThread } from '../../src/place/placing-thread.ts'
import type { CopyJob, PlaceJob, TargetFile } from '../../src/place/placer.ts'
import { sampleBytes } from '../../src/testing/index.ts'
import { temporaryDirectory } from '../temporary-directory.ts'

const CHUNK_BYTES = 16 * 1024
const CHUNKS = 64
const content = sampleBytes('two threads', CHUNKS * CHUNK_BYTES)

/** Chunk `i` of `content`, from the file at `source` into `file`. */
function copyJob(i: number, source: string, file: TargetFile): CopyJob {
  const offset = i * CHUNK_BYTES
  const plain = content.subarray(offset, offset + CHUNK_BYTES)
  return { digest: sha256(plain), plainBytes: plain.byteLength, from: [{ path: source, offset }], places: [{ file, offset }] }
}

/** Chunk `i` of `content` as it comes from a peer, into `file`. */
function placeJob(i: number, file: TargetFile): PlaceJob {
  const { digest, plainBytes, places } = copyJob(i, '', file)
  return { frame: plainFrame(content.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)), digest, plainBytes, places }
}

describe('PlacingThreads', () => {
  it('writes one file from both threads, which is made once and takes nothing from its other names', async () => {
    await using directory = await temporaryDirectory()
    const [source, target, other] = ['source', 'target', 'other'].map((name) => directory.join(name)) as [string, string, string]
    await writeFile(source, content)
    await writeFile(target, 'somebody else’s')
    await link(target, other)
    await using placer = new PlacingThreads(true)
    const file = { entry: 0, path: target, bytes: content.byteLength, mode: 0o644, inode: undefined }
    const made = await Promise.all(
      Array.from({ length: CHUNKS }, (_, i) => {
        const { digest, plainBytes, places, ...job } = copyJob(i, source, file)
        if (i % 4 !== 0) return placer.copy({ ...job, digest, plainBytes, places })
        const frame = plainFrame(content.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES))
        return placer.place({ frame, digest, plainBytes, places })
      }),
    )
    const { ino } = await stat(target, { bigint: true })
    assert.deepEqual(new Set(made.flatMap((files) => files!.map(({ inode }) => inode))), new Set([ino]))
    assert.deepEqual(await readFile(target), Buffer.from(content))
    assert.equal(await readFile(other, 'utf8'), 'somebody else’s')
  })

  it('tells of the file also when what it was made for is not there', async () => {
    await using directory = await temporaryDirectory()
    await using placer = new PlacingThreads(true)
    const file = { entry: 0, path: directory.join('target'), bytes: content.byteLength, mode: 0o644, inode: undefined }
    const { digest, plainBytes, places, from } = copyJob(0, directory.join('nowhere'), file)
    assert.equal(await placer.copy({ digest, plainBytes, places, from }), undefined)
    const made = await placer.place({ frame: plainFrame(content.subarray(0, CHUNK_BYTES)), digest, plainBytes, places })
    assert.deepEqual(new Set(made.map(({ inode }) => inode)), new Set([(await stat(file.path, { bigint: true })).ino]))
  })

  it('does not count what it has written into a file that was replaced meanwhile', async () => {
    await using directory = await temporaryDirectory()
    const [source, target] = [directory.join('source'), directory.join('target')]
    await writeFile(source, content)
    for (const hasSecond of [true, false]) {
      await using placer = new PlacingThreads(hasSecond)
      const file = { entry: 0, path: target, bytes: content.byteLength, mode: 0o644, inode: undefined }
      const [made] = (await placer.copy(copyJob(0, source, file)))!
      await writeFile(directory.join('new'), content)
      await rename(directory.join('new'), target)
      assert.equal(await placer.copy(copyJob(1, source, { ...file, inode: made!.inode })), undefined)
    }
  })

  it('may be used again after it was released, and ends with a copy under way', async () => {
    await using directory = await temporaryDirectory()
    const [source, target] = [directory.join('source'), directory.join('target')]
    await writeFile(source, content)
    const file = { entry: 0, path: target, bytes: content.byteLength, mode: 0o644, inode: undefined }
    const placer = new PlacingThreads(true)
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: CHUNKS }, (_, i) => placer.copy(copyJob(i, source, file))))
      await placer.release()
    }
    assert.deepEqual(await readFile(target), Buffer.from(content))
    const copies = Promise.allSettled(Array.from({ length: CHUNKS }, (_, i) => placer.copy(copyJob(i, source, file))))
    await placer[Symbol.asyncDispose]()
    await copies
  })

  it('writes all of a file that somebody gives another name meanwhile into the one that it has made', async () => {
    await using directory = await temporaryDirectory()
    const [source, target] = [directory.join('source'), directory.join('target')]
    await writeFile(source, content)
    await using placer = new PlacingThreads(true)
    const unmade = { entry: 0, path: target, bytes: 3 * CHUNK_BYTES, mode: 0o644, inode: undefined }
    const [made] = await placer.place(placeJob(0, unmade))
    const file = { ...unmade, inode: made!.inode }
    await link(target, directory.join('other'))
    assert.deepEqual(await placer.copy(copyJob(1, source, file)), [])
    assert.deepEqual(await placer.place(placeJob(2, file)), [])
    assert.equal((await stat(target, { bigint: true })).ino, made!.inode)
    assert.deepEqual(await readFile(target), Buffer.from(content.subarray(0, 3 * CHUNK_BYTES)))
  })

  it('copies into a file that the first thread has just given content of its own', async () => {
    await using directory = await temporaryDirectory()
    const [source, target, other] = ['source', 'target', 'other'].map((name) => directory.join(name)) as [string, string, string]
    await writeFile(source, content)
    await writeFile(other, content)
    await link(other, target)
    await using placer = new PlacingThreads(true)
    const { ino: inode } = await stat(target, { bigint: true })
    const file = { entry: 0, path: target, bytes: content.byteLength, mode: 0o644, inode }
    const made = [await placer.place(placeJob(0, file)), await placer.copy(copyJob(1, source, file))]
    const own = { entry: 0, inode: (await stat(target, { bigint: true })).ino }
    assert.notEqual(own.inode, inode)
    assert.deepEqual(made, [[own], [own]])
  })

  it('leaves a file that is not the one that was made to the first thread', async () => {
    await using directory = await temporaryDirectory()
    const [source, target] = [directory.join('source'), directory.join('target')]
    await writeFile(source, content)
    await using placer = new PlacingThreads(true)
    const unmade = { entry: 0, path: target, bytes: content.byteLength, mode: 0o644, inode: undefined }
    const [made] = await placer.place(placeJob(0, unmade))
    await rm(target)
    await writeFile(target, content)
    for (const inode of [undefined, made!.inode]) assert.equal(await placer.copy(copyJob(1, source, { ...unmade, inode })), undefined)
  })

  it('tells of a file that got content of its own for a copy that found nothing', async () => {
    await using directory = await temporaryDirectory()
    const [target, other] = [directory.join('target'), directory.join('other')]
    await writeFile(other, content)
    for (const isAtOnce of [false, true]) {
      await rm(target, { force: true })
      await link(other, target)
      await using placer = new PlacingThreads(true)
      const { ino: inode } = await stat(target, { bigint: true })
      const file = { entry: 0, path: target, bytes: content.byteLength, mode: 0o644, inode }
      const copying = placer.copy(copyJob(0, directory.join('nowhere'), file))
      if (!isAtOnce) assert.equal(await copying, undefined)
      const made = await placer.place(placeJob(0, file))
      assert.equal(await copying, undefined)
      assert.deepEqual(made, [{ entry: 0, inode: (await stat(target, { bigint: true })).ino }])
    }
  })

  it('has at most 512 files open, of more that both threads write to', { skip: process.platform !== 'linux' }, async () => {
    await using directory = await temporaryDirectory()
    const source = directory.join('source')
    await writeFile(source, content)
    await using placer = new PlacingThreads(true)
    for (let entry = 0; entry < 300; entry++) {
      const file = { entry, path: directory.join(`file-${entry}`), bytes: CHUNK_BYTES, mode: 0o644, inode: undefined }
      assert.equal((await placer.copy(copyJob(0, source, file)))?.length, 1)
    }
    const descriptors = await readdir('/proc/self/fd')
    const open = await Promise.all(descriptors.map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => '')))
    assert.equal(open.filter((path) => path.includes('/file-')).length, 512)
  })

  it('remembers the last 4,096 files, and asks again for others', async (test) => {
    await using directory = await temporaryDirectory()
    const makes = test.mock.method(PlacingThread.prototype, 'make')
    await using placer = new PlacingThreads(true)
    const job = { digest: sha256(content), plainBytes: content.byteLength, from: [{ path: directory.join('nowhere'), offset: 0 }] }
    const use = (...entries: readonly number[]): Promise<unknown> => {
      const files = entries.map((entry) => ({ entry, path: directory.join(`file-${entry}`), bytes: 0, mode: 0o644, inode: undefined }))
      return placer.copy({ ...job, places: files.map((file) => ({ file, offset: 0 })) })
    }
    await use(...Array.from({ length: 4096 }, (_, entry) => entry))
    await use(0)
    const before = makes.mock.callCount()
    await use(4096)
    await use(0)
    assert.equal(makes.mock.callCount() - before, 1, 'the one used last is known')
    await use(1)
    assert.equal(makes.mock.callCount() - before, 2, 'the one not used for longest is not')
  })

  it('holds no file for the one that was made once the first thread has made another', async () => {
    await using directory = await temporaryDirectory()
    const [source, target] = [directory.join('source'), directory.join('target')]
    await writeFile(source, content)
    await using placer = new PlacingThreads(true)
    const unmade = { entry: 0, path: target, bytes: 3 * CHUNK_BYTES, mode: 0o644, inode: undefined }
    const [made] = (await placer.copy(copyJob(0, source, unmade)))!
    const job = placeJob(0, unmade)
    const places = Array.from({ length: 256 }, (_, i) => {
      return { file: { ...unmade, entry: i + 1, path: directory.join(`file-${i}`) }, offset: 0 }
    })
    await placer.place({ ...job, places }) // so many that the first thread closes the file
    await link(target, directory.join('other'))
    const [remade] = await placer.place(placeJob(1, { ...unmade, inode: made!.inode }))
    assert.equal(remade!.inode, (await stat(target, { bigint: true })).ino)
    assert.notEqual(remade!.inode, made!.inode)
    const file = { ...unmade, inode: remade!.inode }
    assert.deepEqual(await placer.place(placeJob(1, file)), [])
    assert.deepEqual(await placer.copy(copyJob(2, source, file)), [])
    assert.deepEqual(await readFile(target), Buffer.from(content.subarray(0, 3 * CHUNK_BYTES)))
  })

  it('starts no thread after its end', async () => {
    await using directory = await temporaryDirectory()
    const source = directory.join('source')
    await writeFile(source, content)
    const placer = new PlacingThreads(true)
    await placer[Symbol.asyncDispose]()
    let startedCount = 0
    const started = (): void => void (startedCount += 1)
    process.on('worker', started)
    const file = { entry: 0, path: directory.join('target'), bytes: content.byteLength, mode: 0o644, inode: undefined }
    await assert.rejects(placer.copy(copyJob(0, source, file)), /the placing thread ended/u)
    await setImmediate() // by then a thread has been told of
    process.off('worker', started)
    assert.equal(startedCount, 0)
  })

  it('writes to the file that was made last, where another thread makes them', async () => {
    await using directory = await temporaryDirectory()
    const [source, target] = [directory.join('source'), directory.join('target')]
    await writeFile(source, content)
    await using placer = new LocalPlacer()
    for (let round = 0; round < 2; round++) {
      await writeFile(directory.join('new'), new Uint8Array(content.byteLength))
      await rename(directory.join('new'), target)
      const { ino: inode } = await stat(target, { bigint: true })
      const file = { entry: 0, path: target, bytes: content.byteLength, mode: 0o644, inode, isMade: true as const }
      assert.deepEqual(await placer.copy(copyJob(0, source, file)), [])
      assert.deepEqual((await readFile(target)).subarray(0, CHUNK_BYTES), Buffer.from(content.subarray(0, CHUNK_BYTES)))
    }
  })
})
