import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Entry, ManifestBuilder } from '../../src/manifest/index.ts'
import { type Staged, assertFault, build, chunk, chunking, directory, file, init, load, symlink } from './fixtures.ts'

const MIN = chunking.bytesMin
const builder = (): ManifestBuilder => new ManifestBuilder(init, () => undefined)
const refuses = (entries: readonly Staged[], message: RegExp): void => assertFault(() => build(entries), 'MALFORMED', message)
const bulk = (entry: Entry): Staged => ['bulk', entry]

describe('a builder', () => {
  it('makes a root for a snapshot of nothing', () => {
    const { root, pages } = build([])
    assert.equal(pages.size, 0)
    assert.deepEqual(root.totals, { files: 0, directories: 0, symlinks: 0, chunkRefs: 0, chunks: 0, bytes: 0, distinctBytes: 0 })
  })

  it('counts entries, mentions and distinct chunks', () => {
    const { root } = build([
      ['bootstrap', directory('a')],
      ['bootstrap', file('a/b', [chunk(1), chunk(1), chunk(2, 5)])],
      ['hot', symlink('l', 'a/b')],
      ['bulk', file('c', [chunk(2, 5)])],
    ])
    assert.deepEqual(root.totals, {
      files: 2,
      directories: 1,
      symlinks: 1,
      chunkRefs: 4,
      chunks: 2,
      bytes: 2 * MIN + 10,
      distinctBytes: MIN + 5,
    })
    assert.deepEqual(
      root.sections.map(({ stage, entries, chunks, bytes }) => ({ stage, entries, chunks, bytes })),
      [
        { stage: 'bootstrap', entries: 2, chunks: 3, bytes: 2 * MIN + 5 },
        { stage: 'hot', entries: 1, chunks: 0, bytes: 0 },
        { stage: 'bulk', entries: 1, chunks: 1, bytes: 5 },
      ],
    )
  })

  it('takes a file chunk by chunk as well as whole', () => {
    const whole = build([bulk(file('a', [chunk(1), chunk(2), chunk(3, 7)])), bulk(file('b'))])
    const pieces = builder()
    pieces.startFile('bulk', { type: 'file', path: 'a', mode: 0o644, bytes: 2 * MIN + 7 })
    for (const piece of [chunk(1), chunk(2), chunk(3, 7)]) pieces.addChunk(piece)
    pieces.add('bulk', file('b'))
    assert.equal(pieces.finish().cid.toString(), whole.cid.toString())
  })

  it('leaves nothing of the entry objects in the pages but what belongs there', () => {
    const walked = { ...file('a', [chunk(1)]), stage: 'bulk', mtimeMs: 5 }
    assert.equal(build([bulk(walked)]).cid.toString(), build([bulk(file('a', [chunk(1)]))]).cid.toString())
    const folder = { ...directory('a'), mtimeMs: 5 }
    assert.equal(load(build([bulk(folder)])).entries.length, 1)
  })

  it('refuses stages and paths out of order', () => {
    refuses(
      [
        ['hot', directory('a')],
        ['bootstrap', directory('b')],
      ],
      /bootstrap after hot/,
    )
    refuses([bulk(directory('b')), bulk(directory('a'))], /listed after/)
    refuses([['bootstrap', directory('a')], bulk(directory('a'))], /listed twice/)
    refuses([['bootstrap', file('a')], bulk(file('a'))], /listed twice/)
  })

  it('refuses entries outside of listed directories', () => {
    refuses([bulk(file('a/b'))], /parent/)
    refuses([bulk(symlink('a', 'b')), bulk(file('a/b'))], /parent/)
    refuses([['bootstrap', file('a/b')], bulk(directory('a'))], /parent/)
  })

  it('refuses paths, targets and modes that no snapshot has', () => {
    refuses([bulk(file('a/../b'))], /name \.\./)
    refuses([bulk(directory('.cairn'))], /reserved/)
    refuses([bulk(symlink('a', ''))], /empty/)
    for (const mode of [-1, 0o10000, 0.5]) refuses([bulk({ ...directory('a'), mode })], /mode/)
  })

  it('refuses chunks that are not the file’s', () => {
    refuses([bulk(file('a', [chunk(1, MIN - 1), chunk(2)]))], /before the last/)
    refuses([bulk(file('a', [chunk(1, chunking.bytesMax + 1)]))], /at most/)
    refuses([bulk({ ...file('a', [chunk(1)]), bytes: MIN - 1 })], /longer than the file/)
    refuses([bulk({ ...file('a', [chunk(1)]), bytes: MIN + 1 }), bulk(file('b'))], /leave 1 bytes out/)
    refuses([bulk({ ...file('a', [chunk(1)]), bytes: MIN + 1 })], /leave 1 bytes out/)
    refuses([bulk({ ...file('a'), bytes: -1 })], /length -1/)
    refuses([bulk({ ...file('a', [{ digest: new Uint8Array(31), bytes: MIN }]) })], /digest of 31 bytes/)
    refuses([bulk({ ...file('a', [chunk(1), chunk(1, 0)]) })], /longer|length/)
    assertFault(() => builder().addChunk(chunk(1)), 'MALFORMED')
  })

  it('refuses one digest with two lengths', () => {
    assertFault(() => build([bulk(file('a', [chunk(1)])), bulk(file('b', [chunk(1, MIN + 1)]))]), 'MISMATCH')
  })

  it('refuses names that are not the format’s when it makes the root', () => {
    assertFault(() => build([], { identity: { network: 'a/b', ledger: 'l', height: 0 } }), 'MALFORMED')
  })
})
