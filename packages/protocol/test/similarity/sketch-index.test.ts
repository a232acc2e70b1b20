import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SketchIndex } from '../../src/similarity/sketch-index.ts'

describe('SketchIndex', () => {
  it('covers values by few chunks, and by none those that mean nothing or that too many chunks have', () => {
    const values = (...numbers: number[]): Uint32Array => Uint32Array.from({ length: 16 }, (_, i) => numbers[i] ?? 0xffff_ffff)
    const rows = [values(7, 1), values(7, 2), values(8, 2), ...Array.from({ length: 100 }, () => values(9))]
    const index = new SketchIndex(Uint32Array.from(rows.flatMap((row) => [...row])))
    assert.deepEqual(index.cover(values(7, 2), 4), [1])
    assert.deepEqual(index.cover(values(8, 1), 4), [2, 0])
    assert.deepEqual(index.cover(values(8, 1), 1), [2])
    assert.deepEqual(index.cover(values(7, 3, 9), 4), [0])
    for (const nothing of [values(9), values(), values(6)]) assert.deepEqual(index.cover(nothing, 4), [])
  })

  it('finds by what few chunks have in spite of what too many have', () => {
    const common = new Uint32Array(16).fill(9)
    const index = new SketchIndex(
      Uint32Array.from([...Array.from({ length: 20 }, () => common), common.with(0, 7)].flatMap((row) => [...row])),
    )
    assert.deepEqual(index.cover(common.with(0, 7), 4), [20])
    assert.deepEqual(index.cover(common.with(0, 7).with(1, 6), 4), [20])
  })

  it('takes a value for common from the seventeenth chunk on', () => {
    const rows = (count: number): Uint32Array => new Uint32Array(16 * count).fill(9)
    const sketch = new Uint32Array(16).fill(9)
    assert.equal(new SketchIndex(rows(16)).cover(sketch, 4).length, 1)
    assert.equal(new SketchIndex(rows(17)).cover(sketch, 4).length, 0)
  })
})
