import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { MerkleAccumulator } from '../../src/merkle.ts'
import { PAGE_BYTES_MAX } from '../../src/limits.ts'
import { STAGES, decodePage, decodeRoot, encodePage, encodeRoot } from '../../src/manifest/index.ts'
import { snapshot } from './arbitraries.ts'
import { build, entriesOf, load } from './fixtures.ts'

describe('any snapshot', () => {
  it('loads as it was built, whatever order its pages arrive in', () => {
    fc.assert(
      fc.property(snapshot, fc.infiniteStream(fc.nat()), (entries, random) => {
        const built = build(entries)
        const index = load(built, (count) => random.next().value % count)
        assert.deepEqual([...entriesOf(index)], entries)
        assert.deepEqual(new Set(index.pages.map(String)), new Set([built.cid.toString(), ...built.pages.keys()]))
      }),
      { numRuns: 60 },
    )
  })

  it('has one manifest: building what was loaded gives the same root', () => {
    fc.assert(
      fc.property(snapshot, (entries) => {
        const built = build(entries)
        const again = build(entriesOf(load(built)))
        assert.equal(again.cid.toString(), built.cid.toString())
        assert.deepEqual(again.pages, built.pages)
      }),
      { numRuns: 30 },
    )
  })

  it('has blocks that decode to what was encoded, within the bound of a page', () => {
    fc.assert(
      fc.property(snapshot, (entries) => {
        const { root, bytes, pages } = build(entries)
        assert.deepEqual(encodeRoot(root).bytes, bytes)
        assert.deepEqual(encodeRoot(decodeRoot(bytes)).bytes, bytes)
        for (const page of pages.values()) {
          assert(page.byteLength <= PAGE_BYTES_MAX)
          assert.deepEqual(encodePage(decodePage(page)), page)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('has an index that agrees with its files', () => {
    fc.assert(
      fc.property(snapshot, fc.nat(), fc.nat(), (entries, a, b) => {
        const index = load(build(entries))
        const { totals } = index.root
        assert.deepEqual(
          STAGES.flatMap((stage) => [...index.stageChunks(stage)]),
          Array.from({ length: index.chunksCount }, (_, i) => i),
        )
        const merkle = new MerkleAccumulator()
        const places = new Set<string>()
        for (let i = 0; i < index.chunksCount; i++) {
          merkle.append(index.chunkDigest(i))
          assert.equal(index.chunkOf(index.chunkCid(i)), i)
          const found = index.places(i)
          assert.equal(index.entries[found[0]!.entry]?.stage, index.chunkStage(i), 'the first place is in the earliest stage')
          for (const { entry, offset } of found) places.add(`${entry} ${offset} ${i}`)
        }
        assert(Buffer.from(index.root.chunkRoot).equals(merkle.root()))
        assert.equal(places.size, totals.chunkRefs)
        for (const [entry, found] of index.entries.entries()) {
          if (found.type !== 'file') continue
          const pieces = [...index.chunksOfFile(entry)]
          for (const { chunk, offset } of pieces) assert(places.has(`${entry} ${offset} ${chunk}`))
          const [from, to] = [a, b].map((n) => n % (found.bytes + 1)).sort((x, y) => x - y) as [number, number]
          const overlapping = pieces.filter(({ offset, bytes }) => offset < to && offset + bytes > from && from < to)
          assert.deepEqual([...index.chunksOfFile(entry, from, to)], overlapping)
        }
      }),
      { numRuns: 30 },
    )
  })
})
