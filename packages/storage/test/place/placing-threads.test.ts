import assert from 'node:assert/strict'
import { link, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { plainFrame, sha256 } from '@cairn/protocol'
import { PlacingThreads } from '../../src/index.ts'
import type { CopyJob, TargetFile } from '../../src/place/placer.ts'
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
})
