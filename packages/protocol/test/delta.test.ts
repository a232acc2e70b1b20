import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { sha256 } from '../src/cid.ts'
import { type DeltaBase, decodeDelta, deltaBases, encodeDelta } from '../src/delta.ts'
import { ProtocolError } from '../src/errors.ts'
import { decodeFrame, encodeFrame } from '../src/frame.ts'
import { CHUNK_BYTES_MAX, DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX } from '../src/limits.ts'
import { hasFault } from './messages/faults.ts'
import { hex, readVectors, unhex } from './vectors.ts'
import { xorshift } from './xorshift.ts'

interface Vectors {
  readonly bases: readonly string[]
  readonly accepted: readonly { readonly name: string; readonly bases: readonly string[]; readonly plain: string; readonly frame: string }[]
  readonly refused: readonly {
    readonly name: string
    readonly code: string
    readonly basesCount: number
    readonly plainBytesMax: number
    readonly frame: string
  }[]
}

const vectors = readVectors('delta') as Vectors
const KIB = 1024
const base = (plain: Uint8Array): DeltaBase => ({ digest: sha256(plain), plain })

/** Not `deepEqual`: its message about a difference in a megabyte takes minutes. */
function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

describe('delta vectors', () => {
  for (const { name, bases, plain, frame } of vectors.accepted) {
    it(name, () => {
      const from = bases.map(unhex)
      assert.equal(hex(decodeDelta(unhex(frame), from, plain.length / 2)), plain)
      assert.deepEqual(
        deltaBases(unhex(frame))?.map(hex),
        from.map((bytes) => hex(sha256(bytes))),
      )
      const encoded = encodeDelta(unhex(plain), from.map(base))
      assert.equal(hex(decodeDelta(encoded, from, plain.length / 2)), plain)
    })
  }
  for (const { name, code, basesCount, plainBytesMax, frame } of vectors.refused) {
    it(`refuses: ${name}`, () => {
      const bases = vectors.bases.slice(0, basesCount).map(unhex)
      assert.throws(() => decodeDelta(unhex(frame), bases, plainBytesMax), hasFault(code))
    })
  }
})

describe('delta', () => {
  const old = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => base(xorshift(seed, 64 * KIB)))

  it('takes what is new and little else, from each of its bases', () => {
    for (let count = 1; count <= DELTA_BASES_MAX; count++) {
      const bases = old.slice(0, count)
      const plain = Buffer.concat([xorshift(9, 1 * KIB), ...bases.map((from) => from.plain.subarray(8 * KIB, 40 * KIB))])
      const delta = encodeDelta(plain, bases)
      assert(delta.byteLength < 1 * KIB + 34 * count + 100, `${delta.byteLength} bytes with ${count} bases`)
      assert(
        same(
          decodeDelta(
            delta,
            bases.map((from) => from.plain),
            plain.byteLength,
          ),
          plain,
        ),
      )
    }
  })

  it('reaches all of a dictionary that is larger than the window', () => {
    const bases = [5, 6].map((seed) => base(xorshift(seed, CHUNK_BYTES_MAX)))
    assert.equal(bases.length * CHUNK_BYTES_MAX, DELTA_BASES_BYTES_MAX)
    const plain = Buffer.concat([bases[1]!.plain.subarray(CHUNK_BYTES_MAX / 2), bases[0]!.plain.subarray(0, CHUNK_BYTES_MAX / 2)])
    const delta = encodeDelta(plain, bases)
    assert(delta.byteLength < 4 * KIB, `${delta.byteLength} bytes`)
    assert(
      same(
        decodeDelta(
          delta,
          bases.map((from) => from.plain),
          CHUNK_BYTES_MAX,
        ),
        plain,
      ),
    )
  })

  it('is not a frame by itself, and a frame is not a delta', () => {
    const delta = encodeDelta(old[0]!.plain, [old[0]!])
    assert.throws(() => decodeFrame(delta, CHUNK_BYTES_MAX), { name: 'ProtocolError', message: /a delta/ })
    for (const frame of [encodeFrame(new Uint8Array(100)), encodeFrame(xorshift(1, 100)), new Uint8Array()]) {
      assert.equal(deltaBases(frame), undefined)
      assert.throws(() => decodeDelta(frame, [], CHUNK_BYTES_MAX), hasFault('MALFORMED'))
    }
  })

  it('enforces the bound of its caller to the byte', () => {
    const { plain } = old[0]!
    const delta = encodeDelta(plain, [old[0]!])
    assert.equal(decodeDelta(delta, [plain], plain.byteLength).byteLength, plain.byteLength)
    assert.throws(() => decodeDelta(delta, [plain], plain.byteLength - 1), hasFault('TOO_LARGE'))
  })

  it('refuses what takes more bytes than the chunk: the rest would be padding', () => {
    const [plain, from] = [xorshift(77, 256), base(xorshift(78, 256))]
    const delta = encodeDelta(plain, [from])
    assert(delta.byteLength > plain.byteLength)
    assert.throws(() => decodeDelta(delta, [from.plain], delta.byteLength), hasFault('MALFORMED'))
    assert.throws(() => decodeDelta(delta, [from.plain], plain.byteLength), hasFault('TOO_LARGE'))
  })

  it('refuses bases above their bound, however many', () => {
    const delta = encodeDelta(
      xorshift(1, 64 * KIB),
      old.slice(0, 3).map((from) => from),
    )
    const large = new Uint8Array(CHUNK_BYTES_MAX)
    assert.throws(() => decodeDelta(delta, [large, large, new Uint8Array(1)], CHUNK_BYTES_MAX), hasFault('TOO_LARGE'))
    assert.throws(() => encodeDelta(new Uint8Array(9), [base(large), base(large), base(large)]), RangeError)
    assert.throws(() => encodeDelta(new Uint8Array(9), []), RangeError)
    assert.throws(
      () =>
        encodeDelta(
          new Uint8Array(9),
          Array.from({ length: DELTA_BASES_MAX + 1 }, (_, seed) => base(xorshift(seed + 1, 8))),
        ),
      RangeError,
    )
  })

  it('refuses bombs by their header, and those whose header lies', () => {
    const head = encodeDelta(old[0]!.plain, [old[0]!]).subarray(0, 34)
    const bomb = Buffer.concat([head, zstdCompressSync(new Uint8Array(64 * KIB * KIB), { pledgedSrcSize: 64 * KIB * KIB })])
    assert.throws(() => decodeDelta(bomb, [old[0]!.plain], CHUNK_BYTES_MAX), hasFault('TOO_LARGE'))
    // Promises 256 bytes; 40 blocks then repeat one byte 128 Ki times each.
    const blocks = Array.from({ length: 40 }, (_, at) => [at === 39 ? 3 : 2, 0, 0x10, 0]).flat()
    const liar = Buffer.concat([head, Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x60, 0, 0, ...blocks)])
    assert.throws(() => decodeDelta(liar, [old[0]!.plain], CHUNK_BYTES_MAX), hasFault('MALFORMED'))
  })

  it('with other bases gives other bytes or none', () => {
    const plain = old[0]!.plain.with(100, 1)
    const delta = encodeDelta(plain, [old[0]!])
    let found: Uint8Array | undefined
    try {
      found = decodeDelta(delta, [old[1]!.plain], plain.byteLength)
    } catch (error) {
      assert(error instanceof ProtocolError, String(error))
    }
    assert(found === undefined || !same(found, plain))
  })

  it('refuses every truncation, and survives every flipped bit', () => {
    const { plain } = base(xorshift(1, 256))
    const delta = encodeDelta(plain.with(9, 9), [base(plain)])
    for (let length = 0; length < delta.byteLength; length++) {
      assert.throws(() => decodeDelta(delta.subarray(0, length), [plain], 256), ProtocolError)
    }
    for (let at = 0; at < delta.byteLength * 8; at++) {
      const changed = new Uint8Array(delta)
      changed[at >> 3]! ^= 1 << (at & 7)
      try {
        assert(
          decodeDelta(
            changed,
            Array.from({ length: changed[1]! }, () => plain),
            256,
          ).byteLength <= 256,
        )
      } catch (error) {
        assert(error instanceof ProtocolError, String(error))
      }
    }
  })

  it('gives back what it was made of, whatever that is', () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    const cut = fc.tuple(fc.nat(3), fc.nat(200), fc.nat(200))
    fc.assert(
      fc.property(
        fc.uniqueArray(bytes, { minLength: 1, maxLength: 4, selector: hex }),
        fc.array(fc.oneof(bytes, cut), { maxLength: 6 }),
        fc.constantFrom(1, 3, 9),
        (plains, parts, level) => {
          const plain = Buffer.concat(
            parts.map((part) =>
              part instanceof Uint8Array ? part : plains[part[0] % plains.length]!.subarray(part[1], part[1] + part[2]),
            ),
          )
          const delta = encodeDelta(plain, plains.map(base), level)
          if (delta.byteLength > plain.byteLength) {
            assert.throws(() => decodeDelta(delta, plains, plain.byteLength), ProtocolError)
            return
          }
          assert.equal(hex(decodeDelta(delta, plains, plain.byteLength)), hex(plain))
        },
      ),
    )
  })
})
