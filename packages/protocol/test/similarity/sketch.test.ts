import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHUNKING, type ChunkingProfile, cutChunk } from '../../src/chunking.ts'
import { pageCid, parseCid } from '../../src/cid.ts'
import { SKETCH_VALUES } from '../../src/limits.ts'
import { NO_VALUE, sketchChunk, Sketcher } from '../../src/similarity/sketch.ts'
import { decodeSketchTable, encodeSketchTable, SketchTableBuilder } from '../../src/similarity/sketch-table.ts'
import { hasFault } from '../messages/faults.ts'
import { hex, readVectors, unhex } from '../vectors.ts'
import { xorshift } from '../xorshift.ts'

interface Vectors {
  readonly chunks: readonly {
    readonly seed: number
    readonly bytes: number
    readonly profile: ChunkingProfile
    readonly sketch: number[]
  }[]
  readonly table: { readonly snapshot: string; readonly chunks: number; readonly hex: string }
  readonly refused: readonly { readonly name: string; readonly code: string; readonly hex: string }[]
}

const vectors = readVectors('sketch') as Vectors
const KIB = 1024

describe('sketch vectors', () => {
  for (const { seed, bytes, profile, sketch } of vectors.chunks) {
    it(`of ${bytes} bytes`, () => assert.deepEqual([...sketchChunk(xorshift(seed, bytes), CHUNKING[profile])], sketch))
  }

  it('a table', () => {
    const { snapshot, chunks, hex: bytes } = vectors.table
    const table = decodeSketchTable(parseCid(snapshot), chunks, unhex(bytes))
    assert.deepEqual(
      [...table],
      vectors.chunks.slice(0, chunks).flatMap(({ sketch }) => sketch),
    )
    assert.equal(hex(encodeSketchTable(parseCid(snapshot), table)), bytes)
  })

  for (const { name, code, hex: bytes } of vectors.refused) {
    it(`refuses: ${name}`, () => {
      assert.throws(() => decodeSketchTable(parseCid(vectors.table.snapshot), vectors.table.chunks, unhex(bytes)), hasFault(code))
    })
  }
})

describe('a sketch', () => {
  const common = (a: Uint32Array, b: Uint32Array): number => a.filter((value, i) => value === b[i]).length

  it('depends on the bytes of its chunk alone, wherever they lie', () => {
    const plain = xorshift(1, 400 * KIB)
    const file = Buffer.concat([xorshift(2, 1000), plain, xorshift(3, 1024 * KIB)])
    const sketcher = new Sketcher()
    const end = cutChunk(file, 1000, file.byteLength, CHUNKING.balanced, sketcher)
    const chunk = file.subarray(1000, end)
    assert.deepEqual([...sketcher.values], [...sketchChunk(chunk, CHUNKING.balanced)])
    assert.equal(end, cutChunk(file, 1000, file.byteLength, CHUNKING.balanced), 'who samples cuts the same')
    sketcher.reset()
    assert.deepEqual(new Set(sketcher.values), new Set([NO_VALUE]))
  })

  it('says how much two chunks have in common', () => {
    const half = 256 * KIB
    const [a, b] = [xorshift(4, half), xorshift(5, half)]
    const sketches = [Buffer.concat([a, b]), Buffer.concat([b, a]), Buffer.concat([a, xorshift(6, half)]), xorshift(7, 2 * half)].map(
      (plain) => sketchChunk(plain, CHUNKING.bulk),
    )
    const [ab, ba, ac, other] = sketches as [Uint32Array, Uint32Array, Uint32Array, Uint32Array]
    assert(common(ab, ba) >= SKETCH_VALUES - 1, 'the same halves')
    const third = common(ab, ac)
    assert(third >= 2 && third <= 10, `${third} of ${SKETCH_VALUES}, where a third is in common`)
    assert.equal(common(ab, other), 0)
  })

  it('survives an edit', () => {
    const plain = xorshift(8, 256 * KIB)
    const edited = Buffer.concat([plain.subarray(0, 9000), xorshift(9, 100), plain.subarray(9000)])
    assert(common(sketchChunk(plain, CHUNKING.balanced), sketchChunk(edited, CHUNKING.balanced)) >= SKETCH_VALUES - 2)
  })
})

describe('SketchTableBuilder', () => {
  it('takes each chunk once, however many there are', () => {
    const builder = new SketchTableBuilder()
    const sketchOf = (chunk: number): Uint32Array => new Uint32Array(SKETCH_VALUES).fill(chunk)
    for (let chunk = 0; chunk < 3000; chunk++) {
      builder.add(chunk, sketchOf(chunk))
      builder.add(chunk >> 1, sketchOf(9))
    }
    const table = builder.finish()
    assert.equal(table.length, 3000 * SKETCH_VALUES)
    assert(table.every((value, i) => value === Math.floor(i / SKETCH_VALUES)))
    const snapshot = pageCid(new Uint8Array(3))
    assert.deepEqual(decodeSketchTable(snapshot, 3000, encodeSketchTable(snapshot, table)), table.slice())
    assert.throws(() => decodeSketchTable(snapshot, 2999, encodeSketchTable(snapshot, table)), hasFault('MISMATCH'))
  })
})
