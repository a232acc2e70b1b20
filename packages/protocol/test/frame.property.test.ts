import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { ProtocolError } from '../src/errors.ts'
import { decodeFrame, encodeFrame, plainFrame } from '../src/frame.ts'
import { hex } from './vectors.ts'

/** Noise and repetition in turns. */
const blocks = fc
  .array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 200 })), { maxLength: 6 })
  .map((parts) => Buffer.concat(parts.flatMap(([bytes, times]) => Array.from({ length: times }, () => bytes))))

describe('frame laws', () => {
  it('decode gives back what encode was given', () => {
    fc.assert(
      fc.property(blocks, fc.boolean(), fc.constantFrom(1, 3, 19), (plain, compress, level) => {
        const frame = encodeFrame(plain, { compress, level })
        assert(frame.byteLength <= plain.byteLength + 1)
        assert.equal(hex(decodeFrame(frame, plain.byteLength)), hex(plain))
        assert.equal(hex(decodeFrame(plainFrame(plain), plain.byteLength)), hex(plain))
      }),
    )
  })

  it('noise is refused, or stays within the bound', () => {
    const headed = fc.tuple(fc.constantFrom([0], [1], [1, 0x28, 0xb5, 0x2f, 0xfd], [1, 0x28, 0xb5, 0x2f, 0xfd, 0x20]), fc.uint8Array())
    fc.assert(
      fc.property(headed, fc.nat(1000), ([head, tail], plainBytesMax) => {
        try {
          assert(decodeFrame(Uint8Array.of(...head, ...tail), plainBytesMax).byteLength <= plainBytesMax)
        } catch (error) {
          assert(error instanceof ProtocolError, String(error))
        }
      }),
      { numRuns: 1000 },
    )
  })
})
