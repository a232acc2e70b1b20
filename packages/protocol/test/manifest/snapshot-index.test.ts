import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chunkCid, pageCidFromDigest } from '../../src/cid.ts'
import { build, chunk, chunking, directory, file, load } from './fixtures.ts'

const MIN = chunking.bytesMin
const index = load(
  build([
    ['bulk', directory('d')],
    ['bulk', file('d/empty')],
    ['bulk', file('d/f', [chunk(0), chunk(1), chunk(0), chunk(2, 10)])],
    ['bulk', file('e', [chunk(1)])],
  ]),
)

// Properties that hold for any snapshot are in manifest.property.test.ts.
describe('a snapshot index', () => {
  it('knows every place of a chunk', () => {
    assert.deepEqual(index.places(0), [
      { entry: 2, offset: 0 },
      { entry: 2, offset: 2 * MIN },
    ])
    assert.deepEqual(index.places(1), [
      { entry: 2, offset: MIN },
      { entry: 3, offset: 0 },
    ])
  })

  it('finds the pieces of a range of bytes', () => {
    const chunks = (from: number, to: number): readonly number[] => Array.from(index.chunksOfFile(2, from, to), ({ chunk }) => chunk)
    assert.deepEqual(chunks(0, 1), [0])
    assert.deepEqual(chunks(MIN - 1, MIN), [0])
    assert.deepEqual(chunks(MIN, MIN + 1), [1])
    assert.deepEqual(chunks(MIN - 1, MIN + 1), [0, 1])
    assert.deepEqual(chunks(3 * MIN + 9, Number.POSITIVE_INFINITY), [2])
    assert.deepEqual(chunks(3 * MIN + 10, Number.POSITIVE_INFINITY), [])
    assert.deepEqual(chunks(5, 5), [])
    assert.deepEqual([...index.chunksOfFile(1)], [])
  })

  it('finds chunks by CID, of chunks only', () => {
    assert.equal(index.chunkOf(chunkCid(chunk(1).digest)), 1)
    assert.equal(index.chunkOf(chunkCid(chunk('other').digest)), undefined)
    assert.equal(index.chunkOf(pageCidFromDigest(chunk(1).digest)), undefined)
  })

  it('finds entries by path', () => {
    assert.equal(index.entryAt('d/f'), 2)
    assert.equal(index.entryAt('d/g'), undefined)
  })

  it('hands out CIDs that do not hold its memory', () => {
    const cid = index.chunkCid(1)
    cid.multihash.digest.fill(0)
    assert.deepEqual(index.chunkDigest(1), chunk(1).digest)
  })

  it('asserts that indexes are its own', () => {
    for (const i of [-1, 3, 0.5, Number.NaN]) {
      assert.throws(() => index.chunkDigest(i), RangeError)
      assert.throws(() => index.chunkBytes(i), RangeError)
      assert.throws(() => index.chunkStage(i), RangeError)
      assert.throws(() => index.places(i), RangeError)
    }
    assert.throws(() => index.refChunk(5), RangeError)
    assert.throws(() => [...index.chunksOfFile(0)], RangeError)
    assert.throws(() => [...index.chunksOfFile(9)], RangeError)
  })
})
