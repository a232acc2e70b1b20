import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import {
  chunkCid,
  type CID,
  decodeFrame,
  encodeFrame,
  pageCid,
  plainFrame,
  ProtocolError,
  type ProtocolFault,
  sha256,
  verifyBlock,
  zstdCompressOptions,
} from '@cairn/protocol'
import * as fc from 'fast-check'
import { unpackInPool } from '../src/index.ts'
import { sampleBytes } from '../src/testing/index.ts'

const BYTES_MAX = 256 * 1024

/** Bytes that compress, and bytes that do not. */
const plains = fc.oneof(
  fc.uint8Array({ maxLength: 4096 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat(20_000)).map(([unit, bytes]) => Buffer.alloc(bytes, unit)),
)

describe('the frame pool', () => {
  it('gives what the synchronous functions give', async () => {
    await fc.assert(
      fc.asyncProperty(plains, async (plain) => {
        const frame = encodeFrame(plain)
        const unpacked = await unpackInPool(chunkCid(sha256(plain)), frame, plain.byteLength)
        assert.deepEqual(Buffer.from(unpacked), Buffer.from(decodeFrame(frame, plain.byteLength)))
      }),
      { numRuns: 40 },
    )
  })

  it('takes manifest pages too', async () => {
    const page = sampleBytes('page', 1000)
    assert.deepEqual(Buffer.from(await unpackInPool(pageCid(page), plainFrame(page), 1000)), Buffer.from(page))
  })

  it('works on many frames at once', async () => {
    const all = Array.from({ length: 32 }, (_, i) => Buffer.alloc(10_000 + i, `block ${i} `))
    const unpacked = await Promise.all(all.map((plain) => unpackInPool(chunkCid(sha256(plain)), encodeFrame(plain), plain.byteLength)))
    assert.deepEqual(
      unpacked.map((plain) => Buffer.from(plain)),
      all,
    )
  })

  it('refuses what is another block, plain or not', async () => {
    const wanted = chunkCid(sha256(sampleBytes('wanted', 1000)))
    for (const plain of [sampleBytes('another', 1000), Buffer.alloc(1000, 'another ')]) {
      const fault = await faultOf(unpackInPool(wanted, encodeFrame(plain), 1000))
      assert.deepEqual(fault, { code: 'MISMATCH', what: 'block', found: 'other content', wanted: wanted.toString() })
    }
  })

  it('refuses every frame that the synchronous functions refuse, for the same reason', async () => {
    const plain = Buffer.alloc(10_000, 'chunk ')
    const frame = encodeFrame(plain)
    const changed = fc.oneof(
      fc.nat(frame.byteLength - 1).map((end) => frame.subarray(0, end)),
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((more) => Buffer.concat([frame, more])),
      fc.tuple(fc.nat(frame.byteLength - 1), fc.integer({ min: 1, max: 255 })).map(([at, flips]) => {
        const flipped = Buffer.from(frame)
        flipped[at]! ^= flips
        return flipped
      }),
      fc.uint8Array({ maxLength: 64 }),
    )
    await fc.assert(
      fc.asyncProperty(changed, async (bytes) => {
        const cid = chunkCid(sha256(plain))
        const found = await outcomeOf(async () => unpackInPool(cid, bytes, plain.byteLength))
        assert.deepEqual(found, await outcomeOf(async () => unpackHere(cid, bytes, plain.byteLength)))
      }),
      { numRuns: 100 },
    )
  })

  // Goal: a peer cannot make us inflate more than the chunk we asked for, whatever it promises.
  it('refuses a bomb before it has gone off', async () => {
    const bytes = 64 * 1024 * 1024
    const zeros = new Uint8Array(bytes)
    const honest = frameOf(zstdCompressSync(zeros, zstdCompressOptions(bytes)))
    assert.ok(honest.byteLength < 10_000)
    assert.deepEqual(await faultOf(unpackInPool(chunkCid(sha256(zeros)), honest, BYTES_MAX)), {
      code: 'TOO_LARGE',
      what: 'block',
      value: bytes,
      max: BYTES_MAX,
    })
    const lying = frameOf(promising(honest.subarray(1), BYTES_MAX))
    assert.equal((await faultOf(unpackInPool(chunkCid(sha256(zeros)), lying, BYTES_MAX))).code, 'MALFORMED')
  })

  it('refuses a frame that promises more than comes out', async () => {
    const plain = Buffer.alloc(70_000, 'chunk ')
    const frame = encodeFrame(plain)
    const lying = frameOf(promising(frame.subarray(1), 70_001))
    assert.equal((await faultOf(unpackInPool(chunkCid(sha256(plain)), lying, BYTES_MAX))).code, 'MALFORMED')
  })
})

async function faultOf(promise: Promise<unknown>): Promise<ProtocolFault> {
  const error: unknown = await promise.then(
    () => assert.fail('it did not reject'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof ProtocolError, String(error))
  return error.fault
}

/** The block's bytes, or why there are none. */
async function outcomeOf(unpack: () => Promise<Uint8Array>): Promise<Buffer | ProtocolFault> {
  try {
    return Buffer.from(await unpack())
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return error.fault
  }
}

/** What the pool does, with the synchronous functions. */
function unpackHere(cid: CID, frame: Uint8Array, plainBytesMax: number): Uint8Array {
  const plain = decodeFrame(frame, plainBytesMax)
  if (verifyBlock(cid, plain)) return plain
  throw new ProtocolError({ code: 'MISMATCH', what: 'block', found: 'other content', wanted: cid.toString() })
}

function frameOf(zstd: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from([1]), zstd])
}

/** The same zstd frame with another content size in its header, where that takes four bytes. */
function promising(zstd: Uint8Array, plainBytes: number): Uint8Array {
  const changed = Buffer.from(zstd)
  const descriptor = changed[4]!
  assert.equal(descriptor >> 6, 2, 'the size is given in four bytes')
  const isSingle = (descriptor & 0x20) !== 0
  changed.writeUInt32LE(plainBytes, isSingle ? 5 : 6)
  return changed
}
