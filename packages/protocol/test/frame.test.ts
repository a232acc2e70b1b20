import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, type ZstdOptions } from 'node:zlib'
import { ProtocolError } from '../src/errors.ts'
import {
  betterPieces,
  decodeFrame,
  encodeFrame,
  encodeFramePieces,
  parseFrame,
  plainFrame,
  zstdCompressOptions,
  zstdDecompressOptions,
} from '../src/frame.ts'
import { CHUNK_BYTES_MAX, FRAME_BYTES_MAX } from '../src/limits.ts'
import { hasFault } from './messages/faults.ts'
import { hex, readVectors, unhex } from './vectors.ts'
import { xorshift } from './xorshift.ts'

interface Vectors {
  readonly accepted: readonly { readonly name: string; readonly plain: string; readonly frame: string }[]
  readonly refused: readonly { readonly name: string; readonly code: string; readonly plainBytesMax: number; readonly frame: string }[]
}

const vectors = readVectors('frame') as Vectors
const MIB = 1024 * 1024
const text = new TextEncoder().encode('a cairn is a stack of stones, '.repeat(40))

/** Not `deepEqual`: its message about a difference in a megabyte takes minutes. */
function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

/** A frame around whatever `node:zlib` makes of `plain`. */
function zstdFrame(plain: Uint8Array, options: ZstdOptions = {}): Uint8Array {
  return Uint8Array.of(1, ...zstdCompressSync(plain, options))
}

describe('frame vectors', () => {
  for (const { name, plain, frame } of vectors.accepted) {
    it(name, () => {
      assert.equal(hex(decodeFrame(unhex(frame), plain.length / 2)), plain)
      // The exact bytes of zstd may change with its version, the choice between the two encodings may not.
      const encoded = encodeFrame(unhex(plain))
      assert.equal(encoded[0], unhex(frame)[0])
      assert.equal(hex(decodeFrame(encoded, plain.length / 2)), plain)
    })
  }
  for (const { name, code, plainBytesMax, frame } of vectors.refused) {
    it(`refuses: ${name}`, () => assert.throws(() => decodeFrame(unhex(frame), plainBytesMax), hasFault(code)))
  }
})

describe('frame', () => {
  it('is plain where zstd saves less than 5 %', () => {
    const plain = new Uint8Array(1000)
    assert.deepEqual(Buffer.concat(betterPieces(plain, new Uint8Array(951))), Buffer.from(plainFrame(plain)))
    assert.equal(Buffer.concat(betterPieces(plain, new Uint8Array(950))).byteLength, 951)
    assert.equal(encodeFrame(xorshift(1, 4096))[0], 0)
    assert.equal(encodeFrame(new Uint8Array())[0], 0)
    assert.equal(encodeFrame(text, { compress: false })[0], 0)
    assert.equal(encodeFrame(text)[0], 1)
  })

  it('never outgrows the bound on frames', () => {
    assert.equal(encodeFrame(xorshift(1, CHUNK_BYTES_MAX)).byteLength, FRAME_BYTES_MAX)
    for (const encode of [encodeFrame, plainFrame]) assert.throws(() => encode(new Uint8Array(CHUNK_BYTES_MAX + 1)), RangeError)
    assert.throws(() => parseFrame(new Uint8Array(FRAME_BYTES_MAX + 1)), hasFault('TOO_LARGE'))
  })

  it('carries the largest chunk at every level', () => {
    const plain = new Uint8Array(CHUNK_BYTES_MAX).fill(7, 0, CHUNK_BYTES_MAX / 2)
    for (const level of [1, 3, 9, 19]) assert(same(decodeFrame(encodeFrame(plain, { level }), CHUNK_BYTES_MAX), plain))
  })

  it('enforces the bound of its caller to the byte', () => {
    for (const frame of [encodeFrame(text), plainFrame(text)]) {
      assert.equal(decodeFrame(frame, text.byteLength).byteLength, text.byteLength)
      assert.throws(() => decodeFrame(frame, text.byteLength - 1), hasFault('TOO_LARGE'))
    }
  })

  it('refuses a bomb by its header', () => {
    const bomb = zstdFrame(new Uint8Array(64 * MIB))
    assert(bomb.byteLength < 8192)
    assert.throws(() => decodeFrame(bomb, CHUNK_BYTES_MAX), hasFault('TOO_LARGE'))
  })

  it('refuses a bomb whose header lies', () => {
    // A content size of 256 + 0 bytes, then 40 blocks that each repeat one byte 128 Ki times.
    const block = [0x02 | ((128 * 1024) << 3), 0x03 | ((128 * 1024) << 3)].map((header) => [
      header & 0xff,
      (header >> 8) & 0xff,
      header >> 16,
      0,
    ])
    const blocks = Array.from({ length: 40 }, (_, at) => block[at === 39 ? 1 : 0]!).flat()
    const bomb = Uint8Array.of(1, 0x28, 0xb5, 0x2f, 0xfd, 0x60, 0, 0, ...blocks)
    assert.equal(parseFrame(bomb).plainBytes, 256)
    assert.throws(() => decodeFrame(bomb, CHUNK_BYTES_MAX), hasFault('MALFORMED'))
    assert.equal(zstdDecompressOptions(256).maxOutputLength, 256)
  })

  it('refuses a header that promises more than there is', () => {
    const frame = encodeFrame(text)
    // 1200 bytes are a content size of two bytes, after encoding, magic and descriptor.
    assert.equal(frame[6]! + frame[7]! * 256 + 256, text.byteLength)
    for (const delta of [1, -1]) assert.throws(() => decodeFrame(frame.with(6, frame[6]! + delta), CHUNK_BYTES_MAX), hasFault('MALFORMED'))
  })

  it('refuses what the header of a frame of ours never says', () => {
    const frame = encodeFrame(text)
    const cases: readonly (readonly [frame: Uint8Array, message: RegExp])[] = [
      [zstdFrame(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }), /dictionary, checksum or reserved flags/],
      ...[1, 2, 4, 8, 16].map((flag) => [frame.with(5, frame[5]! | flag), /dictionary, checksum or reserved flags/] as const),
      [zstdFrame(text, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } }), /no content size/],
      [frame.with(1, 0x29), /not a zstd frame/],
      [frame.with(8, frame[8]! | 0x06), /reserved block type/],
      [Uint8Array.of(1, 0x28, 0xb5, 0x2f, 0xfd, 0x80, 0x60, 0, 0, 0), /cut off/],
      [Uint8Array.of(1, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 10, 0x53, 0, 0, 0x61), /saves nothing/],
    ]
    for (const [frame, message] of cases) assert.throws(() => decodeFrame(frame, CHUNK_BYTES_MAX), { name: 'ProtocolError', message })
    assert.equal(decodeFrame(Uint8Array.of(1, 0x28, 0xb5, 0x2f, 0xfd, 0x20, 11, 0x5b, 0, 0, 0x61), 11).byteLength, 11)
  })

  it('refuses a window above 4 MiB', () => {
    const largest = new Uint8Array(CHUNK_BYTES_MAX)
    const frame = encodeFrame(largest)
    assert.equal(frame[5]! & 0x20, 0, 'this frame has a window byte')
    assert.equal(decodeFrame(frame.with(6, 0x60), CHUNK_BYTES_MAX).byteLength, CHUNK_BYTES_MAX)
    assert.throws(() => decodeFrame(frame.with(6, 0x61), CHUNK_BYTES_MAX), hasFault('MALFORMED'))
  })

  it('refuses everything before and after the one zstd frame', () => {
    const [, ...zstd] = encodeFrame(text)
    const skippable = [0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0xaa]
    for (const payload of [
      [...zstd, 0],
      [...zstd, ...zstd],
      [...zstd, ...skippable],
      [...skippable, ...zstd],
      [0, ...zstd],
    ]) {
      assert.throws(() => decodeFrame(Uint8Array.of(1, ...payload), CHUNK_BYTES_MAX), hasFault('MALFORMED'))
    }
  })

  it('refuses every truncation, and survives every flipped bit', () => {
    for (const frame of [
      encodeFrame(text),
      encodeFrame(new Uint8Array(300_000)),
      encodeFrame(xorshift(5, 40).map((byte) => byte & 0x0f)),
    ]) {
      for (let length = 0; length < frame.byteLength; length++) {
        if (frame[0] === 1) assert.throws(() => decodeFrame(frame.subarray(0, length), CHUNK_BYTES_MAX), ProtocolError)
      }
      for (let at = 0; at < frame.byteLength * 8; at++) {
        const changed = new Uint8Array(frame)
        changed[at >> 3]! ^= 1 << (at & 7)
        try {
          assert(decodeFrame(changed, CHUNK_BYTES_MAX).byteLength <= CHUNK_BYTES_MAX)
        } catch (error) {
          assert(error instanceof ProtocolError, String(error))
        }
      }
    }
  })

  it('comes in two pieces for a writer that gathers, the second not copied', () => {
    for (const plain of [text, xorshift(1, 4096), new Uint8Array()]) {
      const pieces = encodeFramePieces(plain)
      assert.deepEqual(Buffer.concat(pieces), Buffer.from(encodeFrame(plain)))
      if (pieces[0][0] === 0) assert.equal(pieces[1], plain)
    }
  })

  it('is the same for callers that run zstd off this thread', async () => {
    for (const plain of [text, new Uint8Array(300_000), new Uint8Array(MIB)]) {
      const zstd = await promisify<Uint8Array, ZstdOptions, Uint8Array>(zstdCompress)(plain, zstdCompressOptions(plain.byteLength))
      const { encoding, payload, plainBytes } = parseFrame(Buffer.concat(betterPieces(plain, zstd)))
      assert.equal(encoding, 'zstd')
      assert.equal(plainBytes, plain.byteLength)
      const inflated = await promisify<Uint8Array, ZstdOptions, Uint8Array>(zstdDecompress)(payload, zstdDecompressOptions(plainBytes))
      assert(same(inflated, plain))
    }
  })
})
