import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sha256 } from '../../src/cid.ts'
import { decodeDelta, deltaRecipe } from '../../src/delta.ts'
import { DELTA_BASES_BYTES_MAX, DELTA_BASES_MAX, DELTA_DICTIONARY_BYTES_MAX, DELTA_PIECES_MAX } from '../../src/limits.ts'
import { AnchorIndex, anchorsOf, type ChunkPiece, encodeFromPieces, PieceFinder } from '../../src/similarity/index.ts'
import { xorshift } from '../xorshift.ts'

const KIB = 1024
const chunkOf = (seed: number, bytes = 64 * KIB): Uint8Array => xorshift(seed, bytes)

describe('PieceFinder', () => {
  it('finds what a chunk was, wherever it was, and leaves the rest alone', () => {
    const old = Old.of([1, 2, 3, 4, 5].map((seed) => chunkOf(seed)))
    const pieces = old.find(old.chunks[3]!.with(30_000, 1).subarray(4 * KIB, 60 * KIB))
    assert.deepEqual([...new Set(pieces.map(({ chunk }) => chunk))], [3])
    assert(coversOf(pieces, 3, 5 * KIB, 59 * KIB))
  })

  it('takes parts of chunks in the order in which the new one has them, over the borders of old ones', () => {
    const old = Old.of([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => chunkOf(seed)))
    const [second, sixth] = [old.chunks[1]!, old.chunks[5]!]
    const plain = Buffer.concat([
      sixth.subarray(40 * KIB),
      old.chunks[6]!.subarray(0, 16 * KIB),
      chunkOf(99, 2 * KIB),
      second.subarray(20 * KIB, 36 * KIB),
    ])
    const pieces = old.find(plain)
    assert.deepEqual(
      pieces.map(({ chunk }) => chunk),
      [5, 6, 1],
    )
    assert(coversOf(pieces, 5, 41 * KIB, 64 * KIB) && coversOf(pieces, 6, 0, 15 * KIB) && coversOf(pieces, 1, 21 * KIB, 35 * KIB))
    assert(pieces.reduce((sum, { bytes }) => sum + bytes, 0) < 80 * KIB)
    assert(old.deltaOf(plain, pieces).byteLength < 3 * KIB)
  })

  it('finds pages of 4 KiB that were put in another order, each edited', () => {
    const old = Old.of(Array.from({ length: 40 }, (_, seed) => chunkOf(seed + 1)))
    const pages = Array.from({ length: 40 }, (_, at) => {
      const page = old.chunks[(at * 17) % 40]!.slice(16 * KIB, 20 * KIB)
      page.set(chunkOf(100 + at, 20), 1000)
      return page
    })
    const plain = Buffer.concat(pages)
    const pieces = old.find(plain)
    assert.equal(new Set(pieces.map(({ chunk }) => chunk)).size, 40)
    const delta = old.deltaOf(plain, pieces)
    assert(delta.byteLength < 40 * 110, `${delta.byteLength} bytes`)
  })

  it('goes on through what is in many places, and begins nowhere with it', () => {
    const common = chunkOf(77, 8 * KIB)
    const old = Old.of([1, 2, 3, 4, 5, 6].map((seed) => Buffer.concat([chunkOf(seed, 8 * KIB), common, chunkOf(seed + 10, 8 * KIB)])))
    assert.deepEqual(old.find(common), [])
    const pieces = old.find(old.chunks[4]!.with(9, 9))
    assert(coversOf(pieces, 4, KIB, 23 * KIB))
    assert(pieces.reduce((sum, { bytes }) => sum + bytes, 0) <= (24 + 2 * 4) * KIB)
  })

  it('finds nothing in what is new, in nothing, and in what was empty', () => {
    const old = Old.of([chunkOf(1)])
    for (const plain of [chunkOf(2), new Uint8Array(), new Uint8Array(KIB)]) assert.deepEqual(old.find(plain), [])
    assert.deepEqual(Old.of([]).find(chunkOf(1)), [])
  })

  it('names a chunk once that is at several old places', () => {
    const chunk = chunkOf(1)
    const pieces = [
      { chunk: 0, offset: 0, bytes: 100 },
      { chunk: 7, offset: 200, bytes: 100 },
    ]
    const delta = encodeFromPieces(chunk, pieces, () => ({ digest: sha256(chunk), plain: chunk }))
    assert.deepEqual(
      deltaRecipe(delta)?.pieces.map(({ base }) => base),
      [0, 0],
    )
  })

  it('keeps within every bound of a delta, and what is left has most in common', () => {
    const small = Old.of(Array.from({ length: 400 }, (_, seed) => chunkOf(seed + 1, 40 * KIB)))
    const parts = small.chunks.map((chunk, at) => chunk.subarray(16 * KIB, (at === 200 ? 24 : 18) * KIB))
    const many = small.find(Buffer.concat(parts))
    assertWithin(many, small)
    assert.equal(new Set(many.map(({ chunk }) => chunk)).size, DELTA_BASES_MAX)
    assert(many.some(({ chunk }) => chunk === 200))
    const large = Old.of(Array.from({ length: 12 }, (_, seed) => chunkOf(seed + 1, 4096 * KIB)))
    assertWithin(large.find(Buffer.concat(large.chunks.map((chunk) => chunk.subarray(0, 340 * KIB)))), large)
  })
})

function assertWithin(pieces: readonly ChunkPiece[], { chunks }: Old): void {
  const bases = [...new Set(pieces.map(({ chunk }) => chunk))]
  assert(bases.length > 0 && bases.length <= DELTA_BASES_MAX)
  assert(pieces.length <= DELTA_PIECES_MAX)
  assert(bases.reduce((sum, chunk) => sum + chunks[chunk]!.byteLength, 0) <= DELTA_BASES_BYTES_MAX)
  assert(pieces.reduce((sum, { bytes }) => sum + bytes, 0) <= DELTA_DICTIONARY_BYTES_MAX)
  assert(pieces.every(({ chunk, offset, bytes }) => bytes > 0 && offset >= 0 && offset + bytes <= chunks[chunk]!.byteLength))
}

/** Whether one of the pieces has these bytes of a chunk. */
function coversOf(pieces: readonly ChunkPiece[], chunk: number, from: number, to: number): boolean {
  return pieces.some((piece) => piece.chunk === chunk && piece.offset <= from && piece.offset + piece.bytes >= to)
}

/** Old chunks and their index. */
class Old {
  readonly chunks: readonly Uint8Array[]
  readonly #finder: PieceFinder

  private constructor(chunks: readonly Uint8Array[], finder: PieceFinder) {
    this.chunks = chunks
    this.#finder = finder
  }

  static of(chunks: readonly Uint8Array[]): Old {
    const starts = new Float64Array(chunks.length + 1)
    for (const [at, chunk] of chunks.entries()) starts[at + 1] = starts[at]! + chunk.byteLength
    const index = AnchorIndex.for(starts.at(-1)!, starts.at(-1)!)
    for (const [at, chunk] of chunks.entries()) index.add(starts[at]!, anchorsOf(chunk, index.table.bits))
    return new Old(chunks, new PieceFinder(index, starts))
  }

  find(plain: Uint8Array): readonly ChunkPiece[] {
    return this.#finder.find(plain)
  }

  /** The delta, from which the chunk was read back. */
  deltaOf(plain: Uint8Array, pieces: readonly ChunkPiece[]): Uint8Array {
    const delta = encodeFromPieces(plain, pieces, (chunk) => ({ digest: sha256(this.chunks[chunk]!), plain: this.chunks[chunk]! }))
    const bases = deltaRecipe(delta)!.bases.map((digest) => this.chunks.find((chunk) => Buffer.compare(sha256(chunk), digest) === 0)!)
    const read = decodeDelta(
      delta,
      {
        basesBytes: bases.map(({ byteLength }) => byteLength),
        fill: (into, base, offset) => into.set(bases[base]!.subarray(offset, offset + into.byteLength)),
      },
      plain.byteLength,
    )
    assert.equal(Buffer.compare(read, plain), 0)
    return delta
  }
}
