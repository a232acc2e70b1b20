import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHUNKING } from '../../src/chunking.ts'
import { sha256 } from '../../src/cid.ts'
import { DELTA_BASES_MAX } from '../../src/limits.ts'
import { ManifestBuilder, ManifestLoader } from '../../src/manifest/index.ts'
import { NearChunks, sketchChunk, type SketchedSnapshot, SketchTableBuilder } from '../../src/similarity/index.ts'
import { SketchIndex } from '../../src/similarity/sketch-index.ts'
import { xorshift } from '../xorshift.ts'

const KIB = 1024
const CHUNK_BYTES = 64 * KIB
const chunkOf = (seed: number): Uint8Array => xorshift(seed, CHUNK_BYTES)
const edited = (plain: Uint8Array): Uint8Array => plain.with(30_000, plain[30_000]! ^ 1)
const halves = (a: Uint8Array, b: Uint8Array): Uint8Array => Buffer.concat([a.subarray(CHUNK_BYTES / 2), b.subarray(0, CHUNK_BYTES / 2)])

describe('NearChunks', () => {
  it('finds what a chunk was, wherever it was, first', () => {
    const old = [1, 2, 3, 4, 5].map(chunkOf)
    const near = new NearChunks(snapshot({ state: old }), snapshot({ renamed: [edited(old[3]!), old[0]!] }))
    assert.deepEqual([...near.changed()], [0])
    assert.equal(near.basesOf(0)[0], 3)
  })

  it('finds all of several that a chunk was made from', () => {
    const old = [1, 2, 3, 4, 5, 6, 7, 8].map(chunkOf)
    const near = new NearChunks(snapshot({ a: old }), snapshot({ b: [halves(old[1]!, old[6]!)] }))
    assert.deepEqual(new Set(near.basesOf(0).slice(0, 2)), new Set([1, 6]))
  })

  it('gives room that is left to what lies beside, within the bound', () => {
    const old = [1, 2, 3, 4, 5, 6].map(chunkOf)
    const near = new NearChunks(snapshot({ a: old }), snapshot({ b: [halves(old[2]!, chunkOf(9)), edited(old[2]!)] }))
    assert.deepEqual(near.basesOf(0), [2, 1, 3], 'the chunk after is made from 2')
    assert(near.basesOf(0).length <= DELTA_BASES_MAX)
    assert.deepEqual(near.basesOf(1), [2], 'all of its values are spoken for')
  })

  it('goes on where the chunk before left off, and leads to where the chunk after begins', () => {
    const old = Array.from({ length: 12 }, (_, seed) => chunkOf(seed + 1))
    const near = new NearChunks(snapshot({ a: old }), snapshot({ b: [edited(old[2]!), chunkOf(31), edited(old[7]!)] }))
    assert.deepEqual(near.basesOf(1), [3, 6, 2, 7])
  })

  it('takes more bases where a chunk was put together from many places', () => {
    const old = Array.from({ length: 18 }, (_, seed) => xorshift(seed + 1, 256 * KIB))
    const pieces = [1, 4, 7, 10, 13, 16]
    const near = new NearChunks(
      snapshot({ a: old }, 'bulk'),
      snapshot({ b: [Buffer.concat([...pieces.map((from) => old[from]!.subarray(64 * KIB, 192 * KIB)), chunkOf(99)])] }, 'bulk'),
    )
    const bases = near.basesOf(0)
    assert.equal(bases.length, DELTA_BASES_MAX)
    for (const from of pieces) assert(bases.includes(from), `${from} is not in ${bases.join()}`)
  })

  it('takes no more than five where it was not', () => {
    const old = Array.from({ length: 14 }, (_, seed) => xorshift(seed + 1, 256 * KIB))
    const pieces = [2, 6, 10]
    const changed = Buffer.concat([...pieces.map((from) => old[from]!.subarray(64 * KIB, 192 * KIB)), xorshift(99, 128 * KIB)])
    const bases = new NearChunks(snapshot({ a: old }, 'bulk'), snapshot({ b: [changed] }, 'bulk')).basesOf(0)
    assert.deepEqual(
      bases.slice(0, 3).toSorted((a, b) => a - b),
      pieces,
    )
    assert.equal(bases.length, 5)
  })

  it('takes what was at the same place, and beside neighbours that stayed, where nothing is alike', () => {
    const old = [1, 2, 3, 4].map(chunkOf)
    const replaced = [old[0]!, chunkOf(21), old[2]!, chunkOf(22)]
    const near = new NearChunks(snapshot({ state: old }), snapshot({ state: replaced }))
    assert.deepEqual([...near.changed()], [1, 3])
    assert.deepEqual(near.basesOf(1), [1])
    assert.deepEqual(near.basesOf(3), [3])
  })

  it('finds nothing where nothing is alike and nothing was there', () => {
    const near = new NearChunks(snapshot({ a: [chunkOf(1)] }), snapshot({ b: [chunkOf(2)] }))
    assert.deepEqual(near.basesOf(0), [])
    assert.deepEqual(new NearChunks(snapshot({}), snapshot({ b: [chunkOf(2)] })).basesOf(0), [])
  })

  it('keeps within the bytes that bases may have', () => {
    const large = [1, 2, 3].map((seed) => xorshift(seed, 4096 * KIB))
    const changed = Buffer.concat([xorshift(9, 128 * KIB), large[1]!.subarray(0, 3900 * KIB)])
    const near = new NearChunks(snapshot({ a: large }, 'bulk'), snapshot({ a: [changed] }, 'bulk'))
    assert.deepEqual(near.basesOf(0), [1, 2])
  })
})

describe('SketchIndex', () => {
  it('covers values by few chunks, and by none those that mean nothing or that too many chunks have', () => {
    const values = (...numbers: number[]): Uint32Array => Uint32Array.from({ length: 16 }, (_, i) => numbers[i] ?? 0xffff_ffff)
    const rows = [values(7, 1), values(7, 2), values(8, 2), ...Array.from({ length: 100 }, () => values(9))]
    const index = new SketchIndex(Uint32Array.from(rows.flatMap((row) => [...row])))
    assert.deepEqual(index.cover(values(7, 2), 4), { chunks: [1], isCovered: false })
    assert.deepEqual(index.cover(values(8, 1), 4).chunks, [2, 0])
    assert.deepEqual(index.cover(values(8, 1), 1).chunks, [2])
    assert.deepEqual(index.cover(values(7, 3, 9), 4).chunks, [0])
    for (const nothing of [values(9), values(), values(6)]) assert.deepEqual(index.cover(nothing, 4), { chunks: [], isCovered: false })
  })

  it('is done when nothing is left but what too many chunks have', () => {
    const common = new Uint32Array(16).fill(9)
    const index = new SketchIndex(
      Uint32Array.from([...Array.from({ length: 20 }, () => common), common.with(0, 7)].flatMap((row) => [...row])),
    )
    assert.deepEqual(index.cover(common.with(0, 7), 4), { chunks: [20], isCovered: true })
    assert.deepEqual(index.cover(common.with(0, 7).with(1, 6), 4), { chunks: [20], isCovered: false })
  })

  it('takes a value for common from the seventeenth chunk on', () => {
    const rows = (count: number): Uint32Array => new Uint32Array(16 * count).fill(9)
    const sketch = new Uint32Array(16).fill(9)
    assert.equal(new SketchIndex(rows(16)).cover(sketch, 4).chunks.length, 1)
    assert.equal(new SketchIndex(rows(17)).cover(sketch, 4).chunks.length, 0)
  })
})

function snapshot(files: Record<string, readonly Uint8Array[]>, profile: 'edge' | 'bulk' = 'edge'): SketchedSnapshot {
  const pages = new Map<string, Uint8Array>()
  const chunking = CHUNKING[profile]
  const builder = new ManifestBuilder(
    {
      identity: { network: 'test', ledger: 'main', height: 1 },
      chunking,
      compression: { codec: 'zstd', level: 3 },
      provenance: { tool: 'test', sourceHeight: 1 },
    },
    (cid, bytes) => pages.set(cid.toString(), bytes),
  )
  const sketches = new SketchTableBuilder()
  for (const [path, chunks] of Object.entries(files)) {
    const bytes = chunks.reduce((sum, { byteLength }) => sum + byteLength, 0)
    builder.startFile('bulk', { type: 'file', path, mode: 0o644, bytes })
    for (const plain of chunks) {
      sketches.add(builder.addChunk({ digest: sha256(plain), bytes: plain.byteLength }), sketchChunk(plain, chunking))
    }
  }
  const { cid, root } = builder.finish()
  const loader = new ManifestLoader(root, cid)
  while (!loader.done) for (const wanted of loader.wanted()) loader.add(wanted, pages.get(wanted.toString())!)
  return { index: loader.index(), sketches: sketches.finish() }
}
