import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import * as fc from 'fast-check'
import { NetworkError } from '../src/errors.ts'
import { FrameReader, frameHeader } from '../src/framing.ts'

const FRAME_BYTES_MAX = 200

const frames = fc.array(fc.uint8Array({ maxLength: FRAME_BYTES_MAX }), { maxLength: 20 })
/** Lengths of the parts that a stream is split into; used round and round. */
const splits = fc
  .array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 12 })
  .filter((lengths) => lengths.some((length) => length > 0))

describe('FrameReader', () => {
  test('gives back the frames however the stream was split, and whenever they are asked for', () => {
    fc.assert(
      fc.property(frames, splits, fc.infiniteStream(fc.boolean()), (sent, lengths, isAsked) => {
        const reader = createReader()
        const received: Uint8Array[] = []
        for (const part of split(encode(sent), lengths)) {
          reader.push(part)
          if (isAsked.next().value === true) received.push(...take(reader))
        }
        received.push(...take(reader))
        assert.deepEqual(received, sent)
        assert.equal(reader.bufferedBytes, 0)
        assert.equal(reader.isTruncated, false)
      }),
    )
  })

  test('knows when a stream stopped inside a frame', () => {
    fc.assert(
      fc.property(frames, fc.uint8Array({ maxLength: FRAME_BYTES_MAX }), splits, fc.nat(), (whole, last, lengths, cut) => {
        const reader = createReader()
        const ending = encode([last])
        const rest = ending.subarray(0, 1 + (cut % (ending.byteLength - 1)))
        for (const part of split(Buffer.concat([encode(whole), rest]), lengths)) reader.push(part)
        assert.deepEqual(take(reader), whole)
        assert.equal(reader.isTruncated, true)
      }),
    )
  })

  test('refuses a frame that is too large as soon as its length is known', () => {
    fc.assert(
      fc.property(frames, fc.integer({ min: FRAME_BYTES_MAX + 1, max: 2 ** 32 - 1 }), splits, (before, bytes, lengths) => {
        const reader = createReader()
        for (const part of split(Buffer.concat([encode(before), frameHeader(bytes)]), lengths)) reader.push(part)
        for (const frame of before) assert.deepEqual(reader.next(), frame)
        const fault = { code: 'FRAME_TOO_LARGE', peer: 'peer', bytes, bytesMax: FRAME_BYTES_MAX }
        for (const ask of [() => reader.hasFrame(), () => reader.next()]) {
          assert.throws(ask, (error) => error instanceof NetworkError && assert.deepEqual(error.fault, fault) === undefined)
        }
      }),
    )
  })

  test('every frame is a plain array with memory of its own', () => {
    const reader = createReader()
    const stream = Buffer.from(encode([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]))
    reader.push(stream.subarray(0, 12))
    reader.push(stream.subarray(12))
    for (const frame of take(reader)) {
      assert.equal(frame.constructor, Uint8Array)
      assert.equal(frame.buffer.byteLength, frame.byteLength)
    }
  })
})

function createReader(): FrameReader {
  return new FrameReader({ peer: 'peer', frameBytesMax: FRAME_BYTES_MAX })
}

function encode(frames: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(frames.flatMap((frame) => [frameHeader(frame.byteLength), frame])))
}

function* split(stream: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let start = 0, i = 0; start < stream.byteLength; i++) {
    const end = start + lengths[i % lengths.length]!
    yield stream.subarray(start, end)
    start = end
  }
}

function take(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = []
  for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
  return frames
}
