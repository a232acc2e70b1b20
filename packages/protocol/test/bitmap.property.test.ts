import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { Bitmap, coarseHas } from '../src/bitmap.ts'
import { assertStrict } from './messages/codec-laws.ts'

/** Bits in runs of up to 80, so that both encodings and whole words occur. */
const bits = fc
  .array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 80 })), { maxLength: 30 })
  .map((runs) => runs.flatMap(([held, length]) => Array.from({ length: length }, () => held)))

function bitmapOf(model: readonly boolean[]): Bitmap {
  const bitmap = new Bitmap(model.length)
  for (const [index, held] of model.entries()) if (held) bitmap.set(index)
  return bitmap
}

function assertModel(bitmap: Bitmap, model: readonly boolean[]): void {
  assert.equal(bitmap.size, model.length)
  assert.equal(bitmap.count, model.filter(Boolean).length)
  assert.deepEqual(
    model.map((_, index) => bitmap.get(index)),
    model,
  )
}

describe('bitmap laws', () => {
  it('decode gives back what encode was given, in at most one bit per index', () => {
    fc.assert(
      fc.property(bits, (model) => {
        const bytes = bitmapOf(model).encode()
        assert(bytes.byteLength <= 1 + Math.ceil(model.length / 8))
        assertModel(Bitmap.decode(bytes, model.length), model)
      }),
    )
  })

  it('damaged encodings are refused, or are the one encoding of other bits', () => {
    for (const size of [1, 8, 9, 64, 100, 1000]) {
      const sized = bits.map((model) => bitmapOf(Array.from({ length: size }, (_, index) => model[index] ?? false)))
      assertStrict({ encode: (bitmap: Bitmap) => bitmap.encode(), decode: (bytes) => Bitmap.decode(bytes, size) }, sized)
    }
  })

  it('behaves as an array of booleans', () => {
    const operations = fc.array(fc.tuple(fc.boolean(), fc.nat()), { maxLength: 50 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), operations, (size, operations) => {
        const model = Array.from({ length: size }, () => false)
        const bitmap = new Bitmap(size)
        for (const [held, place] of operations) {
          if (held) bitmap.set(place % size)
          else bitmap.clear(place % size)
          model[place % size] = held
        }
        assertModel(bitmap, model)
      }),
    )
  })

  it('finds the next set and the next clear bit from anywhere', () => {
    fc.assert(
      fc.property(bits, (model) => {
        const bitmap = bitmapOf(model)
        for (let from = 0; from <= model.length; from++) {
          assert.equal(bitmap.nextSet(from) ?? -1, model.indexOf(true, from))
          assert.equal(bitmap.nextClear(from) ?? -1, model.indexOf(false, from))
        }
        assert.deepEqual(
          [...bitmap.indices()],
          model.flatMap((held, index) => (held ? [index] : [])),
        )
      }),
    )
  })

  it('joins and subtracts bit by bit', () => {
    fc.assert(
      fc.property(bits, bits, (left, right) => {
        const model = right.slice(0, left.length)
        while (model.length < left.length) model.push(false)
        const or = bitmapOf(left)
        or.or(bitmapOf(model))
        assertModel(
          or,
          left.map((held, index) => held || model[index]!),
        )
        const andNot = bitmapOf(left)
        andNot.andNot(bitmapOf(model))
        assertModel(
          andNot,
          left.map((held, index) => held && !model[index]!),
        )
      }),
    )
  })

  it('summarizes without a lie: a slice is held if and only if all of it is', () => {
    fc.assert(
      fc.property(bits, fc.integer({ min: 0, max: 400 }), (model, bitsMax) => {
        const coarse = bitmapOf(model).coarse(bitsMax)
        assert(coarse.byteLength * 8 <= bitsMax || coarse.byteLength === 0)
        const slices = Math.min(model.length, coarse.byteLength * 8)
        for (let slice = 0; slice < slices; slice++) {
          const start = Math.floor((slice * model.length) / slices)
          const end = Math.floor(((slice + 1) * model.length) / slices)
          const held = model.slice(start, end).every(Boolean)
          for (let index = start; index < end; index++) assert.equal(coarseHas(coarse, model.length, index), held)
        }
      }),
    )
  })
})
