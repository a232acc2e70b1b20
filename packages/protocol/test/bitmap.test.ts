import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Bitmap, coarseHas } from '../src/bitmap.ts'
import { ProtocolError } from '../src/errors.ts'
import { CHUNKS_MAX } from '../src/limits.ts'
import { hasFault } from './messages/faults.ts'
import { hex, readVectors, unhex } from './vectors.ts'

type Ranges = readonly (readonly [start: number, end: number])[]

interface Vectors {
  readonly accepted: readonly { readonly name: string; readonly size: number; readonly set: Ranges; readonly hex: string }[]
  readonly refused: readonly { readonly name: string; readonly size: number; readonly code: string; readonly hex: string }[]
  readonly coarse: readonly { readonly size: number; readonly set: Ranges; readonly bitsMax: number; readonly hex: string }[]
}

const vectors = readVectors('bitmap') as Vectors

function bitmapOf(size: number, set: Ranges): Bitmap {
  const bitmap = new Bitmap(size)
  for (const [start, end] of set) for (let index = start; index < end; index++) bitmap.set(index)
  return bitmap
}

describe('bitmap vectors', () => {
  for (const { name, size, set, hex: bytes } of vectors.accepted) {
    it(name, () => {
      assert.equal(hex(bitmapOf(size, set).encode()), bytes)
      assert.deepEqual([...Bitmap.decode(unhex(bytes), size).indices()], [...bitmapOf(size, set).indices()])
    })
  }
  for (const { name, size, code, hex: bytes } of vectors.refused) {
    it(`refuses: ${name}`, () => assert.throws(() => Bitmap.decode(unhex(bytes), size), hasFault(code)))
  }
  for (const { size, set, bitsMax, hex: bytes } of vectors.coarse) {
    it(`summarizes ${size} bits in ${bitsMax}`, () => assert.equal(hex(bitmapOf(size, set).coarse(bitsMax)), bytes))
  }
})

describe('bitmap', () => {
  it('has as many encodings as values: every string of up to two bytes', () => {
    for (const size of [0, 1, 7, 8]) {
      let decoded = 0
      for (const bytes of shortStrings()) {
        try {
          assert.equal(hex(Bitmap.decode(bytes, size).encode()), hex(bytes))
          decoded++
        } catch (error) {
          assert(error instanceof ProtocolError, String(error))
        }
      }
      assert.equal(decoded, 2 ** size)
    }
  })

  it('refuses a size above the most chunks of a snapshot before it allocates', () => {
    assert.throws(() => new Bitmap(CHUNKS_MAX + 1), hasFault('TOO_LARGE'))
    assert.throws(() => Bitmap.decode(Uint8Array.of(0x10), 2 ** 52), hasFault('TOO_LARGE'))
    assert.equal(Bitmap.full(CHUNKS_MAX).count, CHUNKS_MAX)
    for (const size of [-1, 1.5, NaN, Infinity]) assert.throws(() => new Bitmap(size), RangeError)
  })

  it('encodes any bitmap of the largest size in one bit per chunk at most', () => {
    const alternating = new Bitmap(CHUNKS_MAX)
    for (let index = 0; index < CHUNKS_MAX; index += 2) alternating.set(index)
    assert.equal(alternating.encode().byteLength, 1 + CHUNKS_MAX / 8)
    assert.equal(Bitmap.full(CHUNKS_MAX).encode().byteLength, 6)
    assert.equal(Bitmap.decode(alternating.encode(), CHUNKS_MAX).count, CHUNKS_MAX / 2)
  })

  it('has no bits outside of its size', () => {
    const bitmap = new Bitmap(33)
    for (const index of [-1, 33, 63, 0.5, NaN, 2 ** 32]) {
      assert.throws(() => bitmap.get(index), RangeError)
      assert.throws(() => bitmap.set(index), RangeError)
      assert.throws(() => bitmap.clear(index), RangeError)
    }
    assert.equal(bitmap.nextSet(33), undefined)
    assert.equal(bitmap.nextClear(33), undefined)
    assert.equal(Bitmap.full(33).nextClear(0), undefined)
    assert.throws(() => bitmap.or(new Bitmap(32)), RangeError)
    assert.throws(() => bitmap.andNot(new Bitmap(34)), RangeError)
  })

  it('counts a bit once', () => {
    const bitmap = new Bitmap(2)
    bitmap.set(1)
    bitmap.set(1)
    assert.equal(bitmap.count, 1)
    bitmap.clear(0)
    bitmap.clear(1)
    bitmap.clear(1)
    assert.equal(bitmap.count, 0)
  })

  it('is full when nothing is missing, also of size 0', () => {
    assert(new Bitmap(0).isFull())
    assert(Bitmap.full(65).isFull())
    const bitmap = Bitmap.full(65)
    bitmap.clear(64)
    assert(!bitmap.isFull())
    assert.equal(bitmap.nextClear(0), 64)
  })

  it('is copied by clone, not shared', () => {
    const bitmap = new Bitmap(10)
    bitmap.set(3)
    const copy = bitmap.clone()
    copy.set(4)
    bitmap.clear(3)
    assert.deepEqual([...copy.indices()], [3, 4])
    assert.equal(copy.count, 2)
    assert.equal(bitmap.count, 0)
  })

  it('reads a summary of any length that a peer made up', () => {
    for (const bytes of [0, 1, 2, 3, 200]) {
      const nothing = new Uint8Array(bytes)
      const everything = new Uint8Array(bytes).fill(0xff)
      for (let index = 0; index < 20; index++) {
        assert.equal(coarseHas(nothing, 20, index), false)
        assert.equal(coarseHas(everything, 20, index), bytes > 0)
      }
    }
  })
})

function* shortStrings(): Generator<Uint8Array> {
  yield new Uint8Array()
  for (let first = 0; first < 256; first++) {
    yield Uint8Array.of(first)
    for (let second = 0; second < 256; second++) yield Uint8Array.of(first, second)
  }
}
