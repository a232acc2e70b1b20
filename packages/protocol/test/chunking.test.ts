import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHUNKING, type ChunkingProfile, cutChunk, cutPoints, gearTable } from '../src/chunking.ts'
import { sha256 } from '../src/cid.ts'
import { CHUNK_BYTES_MAX } from '../src/limits.ts'
import { hex, readVectors } from './vectors.ts'
import { xorshift } from './xorshift.ts'

interface Vectors {
  readonly gear: { readonly first: readonly number[]; readonly sha256: string }
  readonly files: readonly {
    readonly name: string
    readonly profile: ChunkingProfile
    /** Content is xorshift32 from this seed, or zeros for seed 0. */
    readonly seed: number
    readonly bytes: number
    readonly ends: readonly number[]
  }[]
}

const vectors = readVectors('chunking') as Vectors
const PROFILES = ['edge', 'balanced', 'bulk'] as const

describe('chunking vectors', () => {
  it('the gear table', () => {
    const bytes = Buffer.alloc(1024)
    for (const [index, word] of gearTable().entries()) bytes.writeUInt32BE(word, index * 4)
    assert.deepEqual([...gearTable().subarray(0, 4)], vectors.gear.first)
    assert.equal(hex(sha256(bytes)), vectors.gear.sha256)
  })
  for (const { name, profile, seed, bytes, ends } of vectors.files) {
    it(name, () => {
      const content = seed === 0 ? new Uint8Array(bytes) : xorshift(seed, bytes)
      assert.deepEqual(cutPoints(content, CHUNKING[profile]), ends)
    })
  }
})

describe('chunking', () => {
  it('has profiles of KiB 16/64/256, 64/256/1024 and 256/1024/4096', () => {
    const sizes = PROFILES.map((name) =>
      [CHUNKING[name].bytesMin, CHUNKING[name].bytesAverage, CHUNKING[name].bytesMax].map((bytes) => bytes / 1024),
    )
    assert.deepEqual(sizes, [
      [16, 64, 256],
      [64, 256, 1024],
      [256, 1024, 4096],
    ])
    for (const name of PROFILES) {
      assert.equal(CHUNKING[name].profile, name)
      assert(CHUNKING[name].bytesMax <= CHUNK_BYTES_MAX)
    }
  })

  it('cuts random data at 1.0 to 1.3 times the average', () => {
    const content = xorshift(11, 16 * 1024 * 1024)
    const mean = content.byteLength / cutPoints(content, CHUNKING.edge).length
    assert(mean > CHUNKING.edge.bytesAverage && mean < 1.3 * CHUNKING.edge.bytesAverage, String(mean))
  })

  it('cuts a run of any one byte at the largest size, so that all its chunks are the same one', () => {
    for (let byte = 0; byte < 256; byte++) {
      const { bytesMax } = CHUNKING.edge
      assert.deepEqual(cutPoints(new Uint8Array(2 * bytesMax + 1).fill(byte), CHUNKING.edge), [bytesMax, 2 * bytesMax, 2 * bytesMax + 1])
    }
  })

  it('leaves a file of the smallest size whole, and an empty one without chunks', () => {
    const content = xorshift(3, CHUNKING.edge.bytesMin)
    assert.deepEqual(cutPoints(content, CHUNKING.edge), [content.byteLength])
    assert.deepEqual(cutPoints(new Uint8Array(), CHUNKING.edge), [])
  })

  it('finds a cut one byte before the end of the file', () => {
    const content = xorshift(21, 2 * 1024 * 1024)
    const odd = content.subarray(1)
    for (const file of [content, odd]) {
      for (const end of cutPoints(file, CHUNKING.edge).slice(0, -1)) {
        assert.deepEqual(cutPoints(file.subarray(0, end + 1), CHUNKING.edge).slice(-2), [end, end + 1])
      }
    }
  })

  it('reads nothing outside of the chunk', () => {
    const content = xorshift(9, 1024 * 1024)
    const [first, second] = cutPoints(content, CHUNKING.edge)
    const shifted = new Uint8Array(content.byteLength + 5).fill(0xaa)
    shifted.set(content, 5)
    assert.equal(cutChunk(shifted, 5, shifted.byteLength, CHUNKING.edge), first! + 5)
    assert.equal(cutChunk(shifted, first! + 5, first! + 5 + CHUNKING.edge.bytesMax, CHUNKING.edge), second! + 5)
    shifted.fill(0, first! + 5)
    assert.equal(cutChunk(shifted, 5, shifted.byteLength, CHUNKING.edge), first! + 5)
  })
})
