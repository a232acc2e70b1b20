import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ANCHOR_PLACES_MAX, AnchorIndex } from '../../src/similarity/anchor-index.ts'
import { ANCHOR_WINDOW_BYTES, type Anchors, anchorsOf } from '../../src/similarity/anchors.ts'
import { xorshift } from '../xorshift.ts'

const KIB = 1024
const pairsOf = (anchors: Anchors): [hash: number, end: number][] =>
  Array.from({ length: anchors.length / 2 }, (_, i) => [anchors[2 * i]!, anchors[2 * i + 1]!])

describe('anchorsOf', () => {
  it('takes one of 2^bits places, more of them with fewer bits, and the same ones among them', () => {
    const plain = xorshift(1, 1024 * KIB)
    const [dense, sparse] = [8, 10].map((bits) => pairsOf(anchorsOf(plain, bits)))
    assert(Math.abs(dense!.length - 4096) < 400 && Math.abs(sparse!.length - 1024) < 200, `${dense!.length} and ${sparse!.length}`)
    const ends = new Set(dense!.map(([, end]) => end))
    assert(sparse!.every(([, end]) => ends.has(end)))
  })

  it('finds moved content by its hashes, and sees nothing but the bytes before', () => {
    const plain = xorshift(2, 64 * KIB)
    const moved = Buffer.concat([xorshift(3, 776), plain])
    const inPlain = pairsOf(anchorsOf(plain, 8))
    const inMoved = pairsOf(anchorsOf(moved, 8)).filter(([, end]) => end >= 776 + ANCHOR_WINDOW_BYTES)
    assert.deepEqual(
      inMoved.map(([hash, end]) => [hash, end - 776]),
      inPlain,
    )
    const edited = pairsOf(anchorsOf(plain.with(30_000, plain[30_000]! ^ 1), 8))
    const isNear = ([, end]: [number, number]): boolean => end > 30_000 && end <= 30_000 + ANCHOR_WINDOW_BYTES
    assert.deepEqual(
      edited.filter((anchor) => !isNear(anchor)),
      inPlain.filter((anchor) => !isNear(anchor)),
    )
  })

  it('has none in less than a window, and one at most in a run of one byte', () => {
    assert.equal(anchorsOf(xorshift(4, ANCHOR_WINDOW_BYTES).subarray(1), 1).length, 0)
    for (let byte = 0; byte < 256; byte++) assert(anchorsOf(new Uint8Array(4 * KIB).fill(byte), 4).length <= 2)
  })

  it('tells windows apart by all bits of their hashes', () => {
    const hashes = pairsOf(anchorsOf(xorshift(5, 4096 * KIB), 4)).map(([hash]) => hash)
    assert(hashes.length > 250_000)
    // Of 2^32 values some 8 pairs in a quarter of a million are equal by chance; with the bits that the gear hash leaves there were thousands.
    assert(new Set(hashes).size > hashes.length - 40)
  })
})

describe('AnchorIndex', () => {
  const placesOf = (index: AnchorIndex, hash: number): number[] => {
    const found = new Float64Array(ANCHOR_PLACES_MAX)
    return [...found.subarray(0, index.places(hash, found))]
  }

  it('finds where an anchor was, up to four places', () => {
    const index = AnchorIndex.for(64 * KIB, 64 * KIB)
    for (const [at, start] of [0, 1000, 2000, 3000, 4000].entries()) index.add(start, Uint32Array.of(7, 50, 100 + at, 60))
    assert.deepEqual(placesOf(index, 7), [50, 1050, 2050, 3050])
    assert.deepEqual(placesOf(index, 104), [4060])
    assert.deepEqual(placesOf(index, 8), [])
  })

  it('finds nearly all anchors of what it was made for, and never one that was not', () => {
    const plain = xorshift(6, 4096 * KIB)
    const index = AnchorIndex.for(plain.byteLength, plain.byteLength)
    const anchors = anchorsOf(plain, index.table.bits)
    index.add(0, anchors)
    const missed = pairsOf(anchors).filter(([hash, end]) => !placesOf(index, hash | 0).includes(end))
    assert(missed.length <= anchors.length / 2 / 100, `${missed.length} of ${anchors.length / 2}`)
    assert.deepEqual(
      pairsOf(anchorsOf(xorshift(7, 256 * KIB), 8)).filter(([hash]) => placesOf(index, hash | 0).length > 0),
      [],
    )
  })

  it('takes no more than it has room for, whatever comes', () => {
    const index = AnchorIndex.for(KIB, KIB)
    const slots = index.table.hashes.length
    const anchors = new Uint32Array(8 * slots)
    for (let i = 0; i < 4 * slots; i++) anchors.set([Math.imul(i, 0x9e37_79b1), i + 1], 2 * i)
    index.add(0, anchors)
    assert(index.table.ends.some((end) => end === 0))
  })

  it('has rarer anchors and larger units for more content, and places that are near the true ones', () => {
    const usual = AnchorIndex.for(768 * KIB * KIB, 4 * KIB * KIB * KIB - 1)
    assert.deepEqual([usual.table.bits, usual.table.unitBytes], [8, 1])
    const end = 2 ** 40
    const large = AnchorIndex.for(3 * KIB * KIB * KIB, end)
    assert.equal(large.table.bits, 10)
    assert(large.table.hashes.length <= usual.table.hashes.length)
    large.add(end - 100, Uint32Array.of(7, 50))
    const [place] = placesOf(large, 7)
    assert(place !== undefined && Math.abs(place - (end - 50)) <= large.table.unitBytes && large.table.unitBytes <= 512)
  })
})
