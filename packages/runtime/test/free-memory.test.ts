import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { freeMemory } from '../src/index.ts'

describe('freeMemory', () => {
  it('empties every view of the buffer', () => {
    const bytes = new Uint8Array(8).fill(1)
    const part = bytes.subarray(2, 6)
    freeMemory(part)
    assert.deepEqual([bytes.byteLength, part.byteLength], [0, 0])
  })

  it('does nothing more for a buffer that is free already, nor for an empty one', () => {
    const bytes = new Uint8Array(8)
    freeMemory(bytes)
    freeMemory(bytes)
    freeMemory(new Uint8Array(0))
  })

  it('leaves the pool of small Buffers alone', () => {
    const small = Buffer.from('small')
    freeMemory(small)
    assert.equal(small.toString(), 'small')
  })

  it('leaves shared memory alone', () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4)).fill(7)
    freeMemory(shared)
    assert.deepEqual([...shared], [7, 7, 7, 7])
  })
})
