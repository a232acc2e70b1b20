import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import { decodeFrame, encodeFrame, ProtocolError, type ProtocolFault, sha256, zstdCompressOptions } from '@cairn/protocol'
import * as fc from 'fast-check'
import { LocalPlacer } from '../../src/index.ts'
import { sampleBytes } from '../../src/testing/index.ts'

const BYTES_MAX = 256 * 1024

/** Bytes that compress, and bytes that do not. */
const plains = fc.oneof(
  fc.uint8Array({ maxLength: 4096 }),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.nat(20_000)).map(([unit, bytes]) => Buffer.alloc(bytes, unit)),
)

describe('LocalPlacer, checking frames', () => {
  it('takes every frame of the chunk, and leaves it as it was', async () => {
    await fc.assert(
      fc.asyncProperty(plains, fc.boolean(), async (plain, compress) => {
        const frame = encodeFrame(plain, { compress })
        const before = Buffer.from(frame)
        assert.equal(await faultOf(frame, plain), undefined)
        assert.deepEqual(Buffer.from(frame), before)
      }),
    )
  })

  it('refuses what is another chunk, plain or not', async () => {
    const wanted = sampleBytes('wanted', 1000)
    for (const plain of [sampleBytes('another', 1000), Buffer.alloc(1000, 'another ')]) {
      const fault = await faultOf(encodeFrame(plain), wanted)
      const [found, expected] = [sha256(plain), sha256(wanted)].map((digest) => Buffer.from(digest).toString('hex'))
      assert.deepEqual(fault, { code: 'MISMATCH', what: 'chunk', found, wanted: expected })
    }
  })

  it('refuses every frame that the decoder refuses, for the same reason', async () => {
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
        const fault = await faultOf(bytes, plain)
        const expected = decoderFault(bytes, plain.byteLength)
        if (expected === undefined) assert.ok(fault === undefined || fault.code === 'MISMATCH')
        else assert.deepEqual(fault, expected)
      }),
    )
  })

  // Goal: a peer cannot make us inflate more than the chunk we asked for, whatever it promises.
  it('refuses a bomb before it has gone off', async () => {
    const bytes = 64 * 1024 * 1024
    const honest = frameOf(zstdCompressSync(new Uint8Array(bytes), zstdCompressOptions(bytes)))
    assert.ok(honest.byteLength < 10_000)
    const wanted = new Uint8Array(BYTES_MAX)
    assert.deepEqual(await faultOf(honest, wanted), { code: 'TOO_LARGE', what: 'block', value: bytes, max: BYTES_MAX })
    const lying = frameOf(promising(honest.subarray(1), BYTES_MAX))
    assert.equal((await faultOf(lying, wanted))?.code, 'MALFORMED')
  })

  it('refuses a frame that promises more than comes out', async () => {
    const frame = encodeFrame(Buffer.alloc(70_000, 'chunk '))
    const lying = frameOf(promising(frame.subarray(1), 70_001))
    assert.equal((await faultOf(lying, Buffer.alloc(70_001, 'chunk ')))?.code, 'MALFORMED')
  })
})

/** Why the placer refuses `frame` as that of `plain`; `undefined` if it does not. */
async function faultOf(frame: Uint8Array, plain: Uint8Array): Promise<ProtocolFault | undefined> {
  try {
    await new LocalPlacer().place({ frame, digest: sha256(plain), plainBytes: plain.byteLength, places: [] })
    return undefined
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return error.fault
  }
}

function decoderFault(frame: Uint8Array, plainBytesMax: number): ProtocolFault | undefined {
  try {
    decodeFrame(frame, plainBytesMax)
    return undefined
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error))
    return error.fault
  }
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
