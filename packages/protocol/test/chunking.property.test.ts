import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { type ChunkingParameters, cutChunk, cutPoints, gearTable } from '../src/chunking.ts'
import { xorshift } from './xorshift.ts'

/** Small chunks, so that small files have many. */
const parameters: ChunkingParameters = {
  algorithm: 'fastcdc-gear32-v1',
  profile: 'edge',
  bytesMin: 64,
  bytesAverage: 256,
  bytesMax: 1024,
}
const seeds = fc.integer({ min: 1, max: 0x7fffffff })
const content = fc.oneof(
  fc.tuple(seeds, fc.integer({ min: 0, max: 5000 })).map(([seed, words]) => xorshift(seed, words * 4)),
  fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.integer({ min: 1, max: 40 })).map(([bytes, times]) => repeat(bytes, times)),
)

describe('chunking laws', () => {
  it('chunks cover the file in order and within the bounds', () => {
    fc.assert(
      fc.property(content, (content) => {
        let start = 0
        for (const end of cutPoints(content, parameters)) {
          assert(end > start && end - start <= parameters.bytesMax)
          assert(end - start >= parameters.bytesMin || end === content.byteLength)
          start = end
        }
        assert.equal(start, content.byteLength)
      }),
    )
  })

  it('the unrolled scan cuts where the definition says', () => {
    fc.assert(fc.property(content, (content) => assert.deepEqual(cutPoints(content, parameters), cutsByDefinition(content))))
  })

  it('cuts do not depend on how the file is fed', () => {
    const reads = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(content, reads, (content, reads) => assert.deepEqual(cutsOfReads(content, reads), cutPoints(content, parameters))),
    )
  })

  it('an insertion changes a few chunks around it and no others', () => {
    const edits = fc.tuple(seeds, fc.double({ min: 0, max: 1, noNaN: true }), fc.uint8Array({ minLength: 1, maxLength: 100 }))
    fc.assert(
      fc.property(edits, ([seed, place, inserted]) => {
        const before = xorshift(seed, 128 * 1024)
        const at = Math.floor(place * before.byteLength)
        const after = Buffer.concat([before.subarray(0, at), inserted, before.subarray(at)])
        const old = new Set(chunks(before))
        const changed = chunks(after).filter((chunk) => !old.has(chunk))
        // Some 440 chunks; the cuts meet again at the first candidate that neither side skips.
        assert(changed.length < 40, `${changed.length} of ${old.size} chunks`)
      }),
      { numRuns: 50 },
    )
  })
})

function repeat(bytes: Uint8Array, times: number): Uint8Array {
  return Buffer.concat(Array.from({ length: times }, () => bytes))
}

function chunks(content: Uint8Array): string[] {
  const ends = cutPoints(content, parameters)
  return ends.map((end, index) => Buffer.from(content.subarray(ends[index - 1] ?? 0, end)).toString('latin1'))
}

/** The text of the specification, word for word and as slow as that is. */
function cutsByDefinition(content: Uint8Array): number[] {
  const gear = gearTable()
  const hashBefore = (offset: number): number => {
    let hash = 0n
    for (let back = 0; back < 32; back++) hash += BigInt(gear[content[offset - 1 - back]!]!) << BigInt(back)
    return Number(hash % 2n ** 32n)
  }
  const ends: number[] = []
  for (let start = 0; start < content.byteLength; start = ends.at(-1)!) {
    let end = Math.min(start + parameters.bytesMax, content.byteLength)
    for (let offset = start + parameters.bytesMin; offset < end; offset++) {
      const zeros = offset - start < parameters.bytesAverage ? 10 : 6
      if (hashBefore(offset) < 2 ** (32 - zeros)) end = offset
    }
    ends.push(end)
  }
  return ends
}

/** Cuts as a streaming reader does: with `bytesMax` bytes at hand, or at the end of the file. */
function cutsOfReads(content: Uint8Array, reads: readonly number[]): number[] {
  const ends: number[] = []
  const at = { read: 0, cut: 0 }
  for (let turn = 0; at.cut < content.byteLength; turn++) {
    const buffer = content.slice(at.cut, at.read)
    if (buffer.byteLength >= parameters.bytesMax || (at.read === content.byteLength && buffer.byteLength > 0)) {
      at.cut += cutChunk(buffer, 0, buffer.byteLength, parameters)
      ends.push(at.cut)
    } else {
      at.read = Math.min(content.byteLength, at.read + reads[turn % reads.length]!)
    }
  }
  return ends
}
