import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { FrameRing } from '../../src/place/frame-ring.ts'

const RING_BYTES = 1000

describe('FrameRing', () => {
  it('keeps every frame as it was put until it is freed, and never says that an empty ring has no room', () => {
    const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: RING_BYTES }), fc.constant('free' as const)), { maxLength: 200 })
    fc.assert(
      fc.property(steps, (commands) => {
        const ring = new FrameRing(RING_BYTES)
        const memory = new Uint8Array(ring.memory)
        const held: { readonly offset: number; readonly bytes: number; readonly fill: number }[] = []
        for (const [i, command] of commands.entries()) {
          if (command === 'free') {
            held.shift()
            ring.free()
          } else {
            const fill = i % 251
            const half = Math.floor(command / 2)
            const offset = ring.put(new Uint8Array(half).fill(fill), new Uint8Array(command - half).fill(fill))
            if (offset === undefined) assert.ok(held.length > 0)
            else held.push({ offset, bytes: command, fill })
          }
          for (const { offset, bytes, fill } of held) assert.ok(memory.subarray(offset, offset + bytes).every((byte) => byte === fill))
        }
      }),
    )
  })

  it('has no room for what is larger than itself', () => {
    assert.equal(new FrameRing(10).put(new Uint8Array(11)), undefined)
  })

  it('takes frames for as long as they are freed', () => {
    const ring = new FrameRing(100)
    for (let i = 0; i < 3; i++) assert.notEqual(ring.put(new Uint8Array(30)), undefined)
    assert.equal(ring.put(new Uint8Array(30)), undefined)
    for (let i = 0; i < 50; i++) {
      ring.free()
      assert.notEqual(ring.put(new Uint8Array(20)), undefined, `after ${i}`)
    }
  })
})
