import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { chunkCid, CID, sha256 } from '../../src/cid.ts'
import { FRAME_BYTES_MAX, SLICE_BYTES_MAX, WANT_CHUNKS_MAX } from '../../src/limits.ts'
import {
  DATA_HEADER_BYTES,
  type DataMessage,
  decodeExchange,
  encodeData,
  encodeExchange,
  EXCHANGE_FRAME_BYTES_MAX,
  type WantMessage,
} from '../../src/messages/index.ts'
import { hasFault } from './faults.ts'

const cids = Array.from({ length: WANT_CHUNKS_MAX + 1 }, (_, i) => chunkCid(new Uint8Array(sha256(Uint8Array.of(i)))))
const want: WantMessage = { type: 'want', id: 1, deadlineMs: 1000, cids: cids.slice(0, 1) }
const data: DataMessage = { type: 'data', id: 1, position: 0, offset: 0, total: 3, slice: Uint8Array.of(1, 2, 3) }

describe('encodeData', () => {
  it('hands the slice on as it is, in a part of its own', () => {
    const [header, slice] = encodeData(data)
    assert.equal(header.byteLength, DATA_HEADER_BYTES)
    assert.equal(slice, data.slice)
    assert.deepEqual(Buffer.concat([header, slice]), encodeExchange(data))
  })

  it('carries the largest slice of the largest frame', () => {
    const slice = new Uint8Array(SLICE_BYTES_MAX)
    const message: DataMessage = { ...data, offset: FRAME_BYTES_MAX - SLICE_BYTES_MAX, total: FRAME_BYTES_MAX, slice }
    const frame = encodeExchange(message)
    assert.equal(frame.byteLength, EXCHANGE_FRAME_BYTES_MAX)
    assert.deepEqual(decodeExchange(new Uint8Array(frame)), message)
  })
})

describe('decodeExchange', () => {
  it('gives the slice as a view of the frame', () => {
    const frame = encodeExchange(data)
    const message = decodeExchange(frame)
    assert(message.type === 'data')
    assert.equal(message.slice.buffer, frame.buffer)
    assert.equal(message.slice.byteOffset, frame.byteOffset + DATA_HEADER_BYTES)
  })

  it('does not keep the frame of a want alive', () => {
    const frame = encodeExchange(want)
    const message = decodeExchange(frame)
    assert(message.type === 'want')
    assert.notEqual(message.cids[0]?.multihash.digest.buffer, frame.buffer)
  })

  it('refuses a frame above the bound', () => {
    assert.throws(() => decodeExchange(new Uint8Array(EXCHANGE_FRAME_BYTES_MAX + 1)), hasFault('TOO_LARGE'))
  })
})

describe('an encoder', () => {
  it('fills a want to the last chunk, and no further', () => {
    const message = { ...want, cids: cids.slice(0, WANT_CHUNKS_MAX) }
    assert.deepEqual(decodeExchange(encodeExchange(message)), message)
    assert.throws(() => encodeExchange({ ...want, cids }), hasFault('TOO_LARGE'))
  })

  it('refuses what a decoder would', () => {
    assert.throws(() => encodeExchange({ ...want, cids: [] }), hasFault('MALFORMED'))
    assert.throws(() => encodeExchange({ ...want, cids: [cids[0]!, cids[0]!] }), hasFault('MALFORMED'))
    assert.throws(() => encodeExchange({ ...want, deadlineMs: 0 }), hasFault('MALFORMED'))
    assert.throws(() => encodeExchange({ ...want, id: 2 ** 32 }), hasFault('TOO_LARGE'))
    assert.throws(
      () => encodeExchange({ ...want, cids: [CID.parse('QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n')] }),
      hasFault('BAD_CID'),
    )
    assert.throws(() => encodeExchange({ type: 'cancel', id: 0.5, position: 'all' }), hasFault('MALFORMED'))
    assert.throws(() => encodeExchange({ type: 'cancel', id: 0, position: WANT_CHUNKS_MAX }), hasFault('TOO_LARGE'))
    assert.throws(() => encodeData({ ...data, slice: new Uint8Array(0) }), hasFault('MALFORMED'))
    assert.throws(() => encodeData({ ...data, offset: 1 }), hasFault('MALFORMED'))
    assert.throws(() => encodeData({ ...data, total: FRAME_BYTES_MAX + 1 }), hasFault('TOO_LARGE'))
    assert.throws(() => encodeData({ ...data, slice: new Uint8Array(SLICE_BYTES_MAX + 1), total: FRAME_BYTES_MAX }), hasFault('TOO_LARGE'))
  })
})
