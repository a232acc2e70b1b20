import assert from 'node:assert/strict'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { chunkCid, type CID, pageCidFromDigest, sha256 } from '@cairn/protocol'
import { DeltaSet } from '../../src/deltas/delta-set.ts'
import { decodeDeltaSetHeader, encodeDeltaSetEnd, encodeDeltaSetHeader } from '../../src/deltas/delta-set-codec.ts'
import { DeltaSets } from '../../src/deltas/delta-sets.ts'

const snapshot = (name: string): CID => pageCidFromDigest(sha256(Buffer.from(name)))
const digestOf = (chunk: number): Uint8Array => sha256(Uint8Array.of(chunk))
const [v1, v2, v3] = [snapshot('v1'), snapshot('v2'), snapshot('v3')]

describe('DeltaSets', () => {
  it('give what was added, to whoever has the snapshot that it starts from', async () => {
    await using place = await Place.make()
    await using sets = await place.open()
    await add(sets, v1, v2, [3, 1, 2])
    assert.deepEqual(await sets.sizes(v1, v2), new Map([1, 2, 3].map((chunk) => [chunk, 100 + chunk])))
    assert.deepEqual(await sets.delta(chunkCid(digestOf(2)), [v3, v1]), frameOf(2))
    assert.equal(await sets.delta(chunkCid(digestOf(2)), [v3]), undefined)
    assert.equal(await sets.delta(chunkCid(digestOf(2)), []), undefined)
    assert.equal(await sets.delta(chunkCid(digestOf(9)), [v1]), undefined)
    assert.equal(await sets.sizes(v2, v1), undefined)
  })

  it('are there again for the next process, and for one that looks again', async () => {
    await using place = await Place.make()
    await using other = await place.open()
    {
      await using sets = await place.open()
      await add(sets, v1, v2, [1])
    }
    assert.equal(other.has(v1, v2), false)
    await other.rescan()
    assert.deepEqual(await other.delta(chunkCid(digestOf(1)), [v1]), frameOf(1))
    await using again = await place.open()
    assert.equal(again.has(v1, v2), true)
  })

  it('know nothing of what was not finished, and remove what a killed process left', async () => {
    await using place = await Place.make()
    {
      await using sets = await place.open()
      {
        await using writer = await sets.create(v1, v2)
        await writer.add(1, digestOf(1), frameOf(1))
        await sets.rescan()
        assert.equal((await readdir(place.path)).length, 1, 'what is being written is let be')
        assert.deepEqual(await sets.delta(chunkCid(digestOf(1)), [v1]), frameOf(1), 'and served')
        assert.equal(await sets.delta(chunkCid(digestOf(1)), [v2]), undefined)
        assert.equal(await sets.delta(chunkCid(digestOf(2)), [v1]), undefined)
      }
      assert.equal(await sets.delta(chunkCid(digestOf(1)), [v1]), undefined)
      assert.deepEqual(await readdir(place.path), [])
    }
    // No process has the first number; whoever had the second was killed, in a container where numbers begin anew.
    for (const writer of [2 ** 30, process.pid])
      await writeFile(join(place.path, `${v2.toString()}.${v1.toString()}.deltas.${writer}.tmp`), 'begun')
    await using sets = await place.open()
    assert.deepEqual(await readdir(place.path), [])
    assert.equal(sets.totalBytes, 0)
  })

  it('leave nothing of a file that cannot be given its name', async () => {
    await using place = await Place.make()
    await using sets = await place.open()
    {
      await using writer = await sets.create(v1, v2)
      await writer.add(1, digestOf(1), frameOf(1))
      await mkdir(writer.path)
      await assert.rejects(writer.finish(), { name: 'StorageError' })
      await rm(writer.path, { recursive: true })
    }
    assert.deepEqual(await readdir(place.path), [])
  })

  it('make room by removing what was used the longest ago', async () => {
    await using place = await Place.make()
    await using sets = await place.open(700)
    await add(sets, v1, v2, [1])
    await add(sets, v1, v3, [2])
    assert.deepEqual([sets.has(v1, v2), sets.has(v1, v3)], [true, true])
    await sets.sizes(v1, v2)
    await add(sets, v2, v3, [3])
    assert.deepEqual([sets.has(v1, v2), sets.has(v1, v3), sets.has(v2, v3)], [true, false, true])
    assert(sets.totalBytes <= 700)
    await sets.retain((to) => to === v2.toString())
    assert.deepEqual([sets.has(v1, v2), sets.has(v2, v3)], [true, false])
    assert.equal((await readdir(place.path)).length, 1)
  })

  it('serve from more files than are kept open', async () => {
    await using place = await Place.make()
    await using sets = await place.open()
    const targets = Array.from({ length: 40 }, (_, i) => snapshot(`target ${i}`))
    for (const target of targets) await add(sets, v1, target, [1])
    for (const target of [...targets, ...targets]) assert.equal((await sets.sizes(v1, target))?.size, 1)
    assert.deepEqual(await sets.delta(chunkCid(digestOf(1)), [v1]), frameOf(1))
  })

  it('remove a file that is damaged and go on', async () => {
    for (const damage of [
      (path: string) => truncate(path, 150),
      (path: string) => appendFile(path, 'x'),
      (path: string) => writeFile(path, ''),
      (path: string) => flip(path, -30),
    ]) {
      await using place = await Place.make()
      const path = await place.withOne()
      await damage(path)
      const damaged: string[] = []
      await using sets = await place.open(1e6, (which) => damaged.push(which))
      assert.equal(await sets.delta(chunkCid(digestOf(1)), [v1]), undefined)
      assert.deepEqual(damaged, [path])
      assert.deepEqual(await readdir(place.path), [])
    }
  })

  it('never give a delta that changed on the disk', async () => {
    await using place = await Place.make()
    const path = await place.withOne()
    await flip(path, 100)
    const damaged: string[] = []
    await using sets = await place.open(1e6, (which) => damaged.push(which))
    await assert.rejects(sets.delta(chunkCid(digestOf(1)), [v1]), { name: 'StorageError', message: /is damaged/ })
    assert.deepEqual(damaged, [path])
    assert.equal(await sets.delta(chunkCid(digestOf(1)), [v1]), undefined)
  })
})

describe('the file of a delta set', () => {
  interface Vectors {
    readonly file: string
    readonly from: string
    readonly to: string
    readonly refused: readonly { readonly name: string; readonly file: string }[]
  }
  const vectors = JSON.parse(readFileSync(new URL('../../../../test/vectors/delta-set.json', import.meta.url), 'utf8')) as Vectors

  it('is what the vector says', async () => {
    const frames = [5, 2].map((chunk) => ({ chunk, frame: Uint8Array.from({ length: 3 }, () => chunk) }))
    await using place = await Place.make()
    await using sets = await place.open()
    await using writer = await sets.create(v1, v2)
    for (const { chunk, frame } of frames) await writer.add(chunk, digestOf(chunk), frame)
    const { fileBytes } = writer
    await writer.finish()
    const file = await readFile(writer.path)
    assert.equal(file.toString('hex'), vectors.file)
    assert.equal(file.byteLength, fileBytes)
    assert.deepEqual([v1.toString(), v2.toString()], [vectors.from, vectors.to])
  })

  for (const { name, file } of vectors.refused) {
    it(`is refused: ${name}`, async () => {
      await using place = await Place.make()
      const path = join(place.path, 'file')
      await writeFile(path, Buffer.from(file, 'hex'))
      await assert.rejects(DeltaSet.open(path), { name: 'StorageError' })
    })
  }

  it('names its snapshots', () => {
    const header = encodeDeltaSetHeader({ from: v1, to: v2 })
    const decoded = decodeDeltaSetHeader(header)
    assert('from' in decoded && decoded.from.equals(v1) && decoded.to.equals(v2))
    assert.deepEqual(encodeDeltaSetEnd([], header.byteLength).byteLength, 24)
  })
})

function frameOf(chunk: number): Uint8Array {
  return new Uint8Array(100 + chunk).fill(chunk)
}

async function add(sets: DeltaSets, from: CID, to: CID, chunks: readonly number[]): Promise<void> {
  await using writer = await sets.create(from, to)
  await Promise.all(chunks.map((chunk) => writer.add(chunk, digestOf(chunk), frameOf(chunk))))
  await writer.finish()
  await sets.added(from, to)
}

async function flip(path: string, at: number): Promise<void> {
  const bytes = await readFile(path)
  const place = at < 0 ? bytes.byteLength + at : at
  bytes[place]! ^= 1
  await writeFile(path, bytes)
}

class Place implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  static async make(): Promise<Place> {
    return new Place(await mkdtemp(join(tmpdir(), 'cairn-deltas-')))
  }

  open(bytesMax = 1e6, onDamaged: (path: string) => void = () => assert.fail()): Promise<DeltaSets> {
    return DeltaSets.open({ path: this.path, bytesMax, onDamaged })
  }

  /** Path of the one file there, with the delta of one chunk. */
  async withOne(): Promise<string> {
    await using sets = await this.open()
    await add(sets, v1, v2, [1])
    return join(this.path, (await readdir(this.path))[0]!)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true })
  }
}
