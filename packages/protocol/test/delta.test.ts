import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zstdCompressSync } from 'node:zlib'
import * as fc from 'fast-check'
import { sha256 } from '../src/cid.ts'
import { type DeltaBase, type DeltaPiece, type DeltaSource, decodeDelta, deltaHeaderBytes, deltaRecipe, encodeDelta } from '../src/delta.ts'
import { ProtocolError } from '../src/errors.ts'
import { decodeFrame, encodeFrame } from '../src/frame.ts'
import { CHUNK_BYTES_MAX, DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX, DELTA_DICTIONARY_BYTES_MAX, DELTA_PIECES_MAX } from '../src/limits.ts'
import { hasFault } from './messages/faults.ts'
import { hex, readVectors, unhex } from './vectors.ts'
import { xorshift } from './xorshift.ts'

interface Vectors {
  readonly bases: readonly string[]
  readonly accepted: readonly {
    readonly name: string
    readonly bases: readonly string[]
    readonly pieces: readonly DeltaPiece[]
    readonly plain: string
    readonly frame: string
  }[]
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
const whole = (plains: readonly Uint8Array[]): DeltaPiece[] =>
  plains.map(({ byteLength }, at) => ({ base: at, offset: 0, bytes: byteLength }))
const sourceOf = (plains: readonly Uint8Array[]): DeltaSource => ({
  basesBytes: plains.map(({ byteLength }) => byteLength),
  fill: (into, at, offset) => into.set(plains[at]!.subarray(offset, offset + into.byteLength)),
})
/** From all of each base. */
const encode = (plain: Uint8Array, plains: readonly Uint8Array[], level?: number): Uint8Array =>
  encodeDelta(plain, plains.map(base), whole(plains), level)
const decode = (frame: Uint8Array, plains: readonly Uint8Array[], plainBytesMax: number): Uint8Array =>
  decodeDelta(frame, sourceOf(plains), plainBytesMax)

/** Not `deepEqual`: its message about a difference in a megabyte takes minutes. */
function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

describe('delta vectors', () => {
  for (const { name, bases, pieces, plain, frame } of vectors.accepted) {
    it(name, () => {
      const from = bases.map(unhex)
      assert.equal(hex(decode(unhex(frame), from, plain.length / 2)), plain)
      const recipe = deltaRecipe(unhex(frame))
      assert.deepEqual(
        recipe?.bases.map(hex),
        from.map((bytes) => hex(sha256(bytes))),
      )
      assert.deepEqual(recipe.pieces, pieces)
      const encoded = encodeDelta(unhex(plain), from.map(base), pieces)
      assert.equal(hex(decode(encoded, from, plain.length / 2)), plain)
    })
  }
  for (const { name, code, basesCount, plainBytesMax, frame } of vectors.refused) {
    it(`refuses: ${name}`, () => {
      const bases = vectors.bases.slice(0, basesCount).map(unhex)
      assert.throws(() => decode(unhex(frame), bases, plainBytesMax), hasFault(code))
    })
  }
})

describe('delta', () => {
  const old = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => xorshift(seed, 64 * KIB))

  it('takes what is new and little else, from pieces of many bases, of which nothing else is read', () => {
    const many = Array.from({ length: DELTA_BASES_MAX }, (_, seed) => xorshift(seed + 1, 8 * KIB))
    for (const count of [1, 2, 8, DELTA_BASES_MAX]) {
      const pieces = many.slice(0, count).map((_, at): DeltaPiece => ({ base: at, offset: 16 * at, bytes: 2 * KIB }))
      const plain = Buffer.concat([
        xorshift(99, 1 * KIB),
        ...pieces.map(({ base: at, offset }) => many[at]!.subarray(offset, offset + 2 * KIB)),
      ])
      const delta = encodeDelta(plain, many.slice(0, count).map(base), pieces)
      assert(delta.byteLength < 1 * KIB + 50 * count + 100, `${delta.byteLength} bytes with ${count} bases`)
      const read: DeltaPiece[] = []
      const source = sourceOf(many.slice(0, count))
      const recording: DeltaSource = {
        basesBytes: source.basesBytes,
        fill: (into, at, offset) => {
          read.push({ base: at, offset, bytes: into.byteLength })
          source.fill(into, at, offset)
        },
      }
      assert(same(decodeDelta(delta, recording, plain.byteLength), plain))
      assert.deepEqual(read, pieces)
    }
  })

  it('reaches all of a dictionary that is larger than the window', () => {
    const bases = [5, 6].map((seed) => xorshift(seed, CHUNK_BYTES_MAX))
    assert.equal(bases.length * CHUNK_BYTES_MAX, DELTA_DICTIONARY_BYTES_MAX)
    const plain = Buffer.concat([bases[1]!.subarray(CHUNK_BYTES_MAX / 2), bases[0]!.subarray(0, CHUNK_BYTES_MAX / 2)])
    const delta = encode(plain, bases)
    assert(delta.byteLength < 4 * KIB, `${delta.byteLength} bytes`)
    assert(same(decode(delta, bases, CHUNK_BYTES_MAX), plain))
  })

  it('is not a frame by itself, and a frame is not a delta', () => {
    const delta = encode(old[0]!, [old[0]!])
    assert.throws(() => decodeFrame(delta, CHUNK_BYTES_MAX), { name: 'ProtocolError', message: /a delta/ })
    for (const frame of [encodeFrame(new Uint8Array(100)), encodeFrame(xorshift(1, 100)), new Uint8Array()]) {
      assert.equal(deltaRecipe(frame), undefined)
      assert.throws(() => decode(frame, [], CHUNK_BYTES_MAX), hasFault('MALFORMED'))
    }
  })

  it('enforces the bound of its caller to the byte', () => {
    const [plain] = old as [Uint8Array]
    const delta = encode(plain, [plain])
    assert.equal(decode(delta, [plain], plain.byteLength).byteLength, plain.byteLength)
    assert.throws(() => decode(delta, [plain], plain.byteLength - 1), hasFault('TOO_LARGE'))
  })

  it('refuses what takes more bytes than the chunk: the rest would be padding', () => {
    const [plain, from] = [xorshift(77, 256), xorshift(78, 256)]
    const delta = encode(plain, [from])
    assert(delta.byteLength > plain.byteLength)
    assert.throws(() => decode(delta, [from], delta.byteLength), hasFault('MALFORMED'))
    assert.throws(() => decode(delta, [from], plain.byteLength), hasFault('TOO_LARGE'))
  })

  it('refuses bases above their bound, and recipes that nobody would read', () => {
    const nine = Array.from({ length: 9 }, (_, seed) => xorshift(seed + 1, 64 * KIB))
    const delta = encodeDelta(
      nine[0]!,
      nine.map(base),
      nine.map((_, at) => ({ base: at, offset: 0, bytes: 1 })),
    )
    const large = { basesBytes: nine.map((_, at) => (at === 0 ? 1 : DELTA_BASES_BYTES_MAX / 8)), fill: () => assert.fail() }
    assert.throws(() => decodeDelta(delta, large, CHUNK_BYTES_MAX), hasFault('TOO_LARGE'))
    const from = base(new Uint8Array(CHUNK_BYTES_MAX))
    const piece = { base: 0, offset: 0, bytes: CHUNK_BYTES_MAX }
    const refused: [bases: DeltaBase[], pieces: DeltaPiece[]][] = [
      [[], []],
      [[from], []],
      [[from], [{ ...piece, base: 1 }]],
      [[from], [{ ...piece, offset: 1 }]],
      [[from], [piece, piece, { ...piece, bytes: 1 }]],
      [
        [from, from],
        [piece, { ...piece, base: 1 }],
      ],
      [[from], Array.from({ length: DELTA_PIECES_MAX + 1 }, () => ({ ...piece, bytes: 1 }))],
    ]
    for (const [bases, pieces] of refused) assert.throws(() => encodeDelta(new Uint8Array(9), bases, pieces), RangeError)
  })

  it('refuses bombs by their header, and those whose header lies', () => {
    const head = encode(old[0]!, [old[0]!]).subarray(0, deltaHeaderBytes(1, 1))
    const bomb = Buffer.concat([head, zstdCompressSync(new Uint8Array(64 * KIB * KIB), { pledgedSrcSize: 64 * KIB * KIB })])
    assert.throws(() => decode(bomb, [old[0]!], CHUNK_BYTES_MAX), hasFault('TOO_LARGE'))
    // Promises 256 bytes; 40 blocks then repeat one byte 128 Ki times each.
    const blocks = Array.from({ length: 40 }, (_, at) => [at === 39 ? 3 : 2, 0, 0x10, 0]).flat()
    const liar = Buffer.concat([head, Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x60, 0, 0, ...blocks)])
    assert.throws(() => decode(liar, [old[0]!], CHUNK_BYTES_MAX), hasFault('MALFORMED'))
  })

  it('with other bases gives other bytes or none', () => {
    const plain = old[0]!.with(100, 1)
    const delta = encode(plain, [old[0]!])
    let found: Uint8Array | undefined
    try {
      found = decode(delta, [old[1]!], plain.byteLength)
    } catch (error) {
      assert(error instanceof ProtocolError, String(error))
    }
    assert(found === undefined || !same(found, plain))
  })

  it('refuses every truncation, and survives every flipped bit', () => {
    const plain = xorshift(1, 256)
    const delta = encode(plain.with(9, 9), [plain])
    for (let length = 0; length < delta.byteLength; length++) {
      assert.throws(() => decode(delta.subarray(0, length), [plain], 256), ProtocolError)
    }
    for (let at = 0; at < delta.byteLength * 8; at++) {
      const changed = new Uint8Array(delta)
      changed[at >> 3]! ^= 1 << (at & 7)
      const bases = Array.from({ length: changed[1]! }, () => plain)
      try {
        assert(decode(changed, bases, 256).byteLength <= 256)
      } catch (error) {
        assert(error instanceof ProtocolError, String(error))
      }
    }
  })

  it('gives back what it was made of, whatever that is', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 })
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
          const delta = encode(plain, plains, level)
          if (delta.byteLength > plain.byteLength) {
            assert.throws(() => decode(delta, plains, plain.byteLength), ProtocolError)
            return
          }
          assert.equal(hex(decode(delta, plains, plain.byteLength)), hex(plain))
        },
      ),
    )
  })
})
