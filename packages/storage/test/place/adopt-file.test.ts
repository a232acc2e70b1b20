import assert from 'node:assert/strict'
import { link, lstat, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { systemDisk } from '../../src/disk.ts'
import { adoptFile } from '../../src/place/adopt-file.ts'
import { fingerprintFile } from '../../src/place/fingerprints.ts'
import type { TargetFile, WholeFile } from '../../src/place/placer.ts'
import { TargetFiles } from '../../src/place/target-files.ts'

describe('a file that is taken over', () => {
  it('is let be where it is if it was changed since it was verified', async () => {
    await using place = await Place.make()
    const from = await place.source()
    await utimes(from.path, 1, 1)
    for (const method of ['move', 'link'] as const)
      assert.equal(adoptFile({ file: place.target(), from, mode: 0o644, methods: [method] }), undefined)
    assert.deepEqual(await readdir(place.path), ['source'])
  })

  it('keeps its other names when it is brought to the disk', async () => {
    await using place = await Place.make()
    const { path, inode } = await place.source()
    const file = { ...place.target(), inode }
    await link(path, file.path)
    const files = new TargetFiles(systemDisk)
    await files.sync(file)
    files.close()
    const { ino, nlink } = await lstat(file.path, { bigint: true })
    assert.deepEqual([ino, nlink], [inode, 2n])
  })
})

class Place implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), 'cairn-adopt-')))
  }

  async source(): Promise<WholeFile> {
    const path = join(this.path, 'source')
    await writeFile(path, 'content', { mode: 0o644 })
    const found = await fingerprintFile(path)
    assert(found !== undefined)
    return { ...found, path }
  }

  target(): TargetFile {
    return { entry: 0, path: join(this.path, 'target'), bytes: 7, mode: 0o644, inode: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true })
  }
}
