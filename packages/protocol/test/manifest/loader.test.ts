import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pageCid } from '../../src/cid.ts'
import { PAGE_BYTES_MAX } from '../../src/limits.ts'
import { type LeafRecord, ManifestLoader, PAGES_WANTED_MAX, type PageRef, encodeRoot } from '../../src/manifest/index.ts'
import { type Staged, assertFault, build, chunk, chunking, directory, file, load, symlink } from './fixtures.ts'
import { Forge, type ForgedManifest, continuation, fileRecord } from './forge.ts'

const MIN = chunking.bytesMin

/** A forged manifest of one leaf page in `bulk`. */
function onePage(...records: readonly LeafRecord[]): ForgedManifest {
  const forge = new Forge()
  return forge.root({ bulk: forge.leaf(...records) })
}

const refuses = (manifest: ForgedManifest, message: RegExp): void => assertFault(() => load(manifest), 'MALFORMED', message)
const mismatches = (manifest: ForgedManifest, message: RegExp): void => assertFault(() => load(manifest), 'MISMATCH', message)

// Each manifest below is well-formed and consistently signed: what a publisher's broken or hostile tool could make.

describe('a loader refuses trees', () => {
  it('whose paths do not ascend', () => {
    refuses(onePage(directory('b'), directory('a')), /"a".*listed after "b"/)
    refuses(onePage(directory('a'), directory('a')), /listed after/)
    refuses(onePage(directory('\u{10000}'), directory('\u{ffff}')), /listed after/)
  })

  it('with an entry outside of a directory listed before it', () => {
    refuses(onePage(fileRecord('a/b', [])), /"a\/b".*parent/)
    refuses(onePage(fileRecord('a', []), fileRecord('a/b', [])), /parent/)
  })

  it('with an entry beneath a link', () => {
    refuses(onePage(symlink('a', '/etc'), fileRecord('a/passwd', [chunk(1)])), /parent/)
  })

  it('with a path in two sections', () => {
    for (const first of [fileRecord('a', []), directory('a'), symlink('a', 'b')]) {
      const forge = new Forge()
      const bootstrap = forge.leaf(first)
      refuses(forge.root({ bootstrap, hot: forge.leaf(fileRecord('a', [])) }), /listed twice/)
    }
  })

  it('with a directory in a later section than what is in it', () => {
    const forge = new Forge()
    const bootstrap = forge.leaf(fileRecord('a/b', [chunk(1)]))
    refuses(forge.root({ bootstrap, bulk: forge.leaf(directory('a')) }), /parent/)
  })
})

describe('a loader refuses files', () => {
  it('with a short chunk before the last', () => {
    refuses(onePage(fileRecord('a', [chunk(1, MIN - 1), chunk(2)])), /before the last/)
    load(onePage(fileRecord('a', [chunk(1), chunk(2, MIN - 1)])))
  })

  it('with a chunk that the profile cannot cut', () => {
    refuses(onePage(fileRecord('a', [chunk(1, chunking.bytesMax + 1)])), /at most/)
  })

  it('whose chunks are not as long as they are', () => {
    refuses(onePage(fileRecord('a', [chunk(1)], MIN - 1)), /longer than the file/)
    refuses(onePage(fileRecord('a', [chunk(1)], MIN + 1)), /leave 1 bytes out/)
    refuses(onePage(fileRecord('a', [chunk(1)], MIN + 1), directory('b')), /leave 1 bytes out/)
    const forge = new Forge()
    const bootstrap = forge.leaf(fileRecord('a', [chunk(1)], 2 * MIN))
    refuses(forge.root({ bootstrap, bulk: forge.leaf(continuation([chunk(2)]), directory('b')) }), /leave 16384 bytes out/)
  })

  it('that are continued without being there', () => {
    refuses(onePage(continuation([chunk(1)]), directory('a')), /continues no file/)
    const forge = new Forge()
    const bootstrap = forge.leaf(fileRecord('a', [chunk(1)]))
    refuses(forge.root({ bootstrap, bulk: forge.leaf(continuation([chunk(2)]), directory('b')) }), /continues no file/)
  })

  it('that give one chunk two lengths', () => {
    mismatches(onePage(fileRecord('a', [chunk(1)]), fileRecord('b', [chunk(1, MIN + 1)])), /length of a chunk/)
  })

  it('with digests made to collide', () => {
    const alike = Array.from({ length: 600 }, (_, i) => {
      const digest = new Uint8Array(32)
      new DataView(digest.buffer).setUint32(28, i)
      return { digest, bytes: MIN }
    })
    const forge = new Forge()
    // The first four bytes are zero, so a page ends after every chunk past the minimum.
    const first = forge.leaf(fileRecord('a', alike.slice(0, 341), 600 * MIN))
    const top = forge.index(1, first, forge.leaf(continuation(alike.slice(341))))
    refuses(forge.root({ bulk: top }), /too many alike/)
  })
})

describe('a loader refuses pages', () => {
  /** Items enough for a page that the rule does not cut before its end. */
  const full = build(Array.from({ length: 3000 }, (_, i): Staged => ['bulk', directory(`d${String(i).padStart(5, '0')}`)]))

  it('that are not where the cut rule ends them', () => {
    const records = [...load(full).entries].map(({ path }) => directory(path))
    const early = new Forge()
    refuses(early.root({ bulk: early.index(1, early.leaf(...records.slice(0, 10)), early.leaf(...records.slice(10, 20))) }), /does not end/)
    const late = new Forge()
    refuses(late.root({ bulk: late.leaf(...records.slice(0, 1800)) }), /does not end/)
  })

  it('with a level that is not one below the parent', () => {
    const forge = new Forge()
    const leaf = forge.leaf(directory('a'))
    refuses(forge.root({ bulk: forge.index(2, leaf, forge.index(1, forge.leaf(directory('b')))) }), /level 0 where 1 belongs/)
  })

  it('with a top that has one child', () => {
    const forge = new Forge()
    refuses(forge.root({ bulk: forge.index(1, forge.leaf(directory('a'))) }), /one child/)
  })

  it('that do not hold what their parent counts', () => {
    const lies: readonly Partial<PageRef>[] = [{ entries: 2 }, { chunks: 2 }, { bytes: MIN + 1 }]
    for (const lie of lies) {
      const forge = new Forge()
      mismatches(forge.root({ bulk: { ...forge.leaf(fileRecord('a', [chunk(1)])), ...lie } }), /of manifest page/)
    }
    const forge = new Forge()
    const top = forge.index(1, { ...forge.leaf(directory('a')), entries: 2 }, forge.leaf(directory('b')))
    mismatches(forge.root({ bulk: top }), /of manifest page/)
  })

  it('longer than a page, before looking at them', () => {
    const loader = new ManifestLoader(full.root, full.cid)
    assertFault(() => loader.add(loader.wanted()[0]!, new Uint8Array(PAGE_BYTES_MAX + 1)), 'TOO_LARGE')
  })
})

describe('a loader refuses roots', () => {
  const chunks = [chunk(1), chunk(2)]

  it('whose totals are not those of the pages', () => {
    const lies = [{ files: 0, directories: 2 }, { files: 0, symlinks: 1 }, { chunks: 1 }, { distinctBytes: 1 }]
    for (const totals of lies) {
      const forge = new Forge()
      const bulk = forge.leaf(directory('a'), fileRecord('b', chunks))
      assert.throws(() => load(forge.root({ bulk }, { totals })), { name: 'ProtocolError' })
    }
  })

  it('with fewer distinct chunks than the pages bring, as soon as one is too many', () => {
    const forge = new Forge()
    const manifest = forge.root({ bulk: forge.leaf(fileRecord('b', chunks)) }, { totals: { chunks: 1 } })
    assertFault(() => load(manifest), 'TOO_LARGE', /number of chunks/)
  })

  it('with another chunk root', () => {
    const forge = new Forge()
    mismatches(forge.root({ bulk: forge.leaf(fileRecord('b', chunks)) }, { chunkRoot: new Uint8Array(32) }), /chunk root/)
  })

  it('under another name', () => {
    const { root } = build([])
    assertFault(() => new ManifestLoader(root, encodeRoot({ ...root, height: 1 }).cid), 'MISMATCH', /manifest root/)
  })
})

describe('a loader', () => {
  // Links of 4 KB fill a page with few of them, so that one section has more pages than may be asked for at once.
  const wide = build(
    Array.from({ length: 2000 }, (_, i): Staged => [
      'bulk',
      symlink(`link ${String(i).padStart(5, '0')}`, `${i}`.repeat(1000).slice(0, 4000)),
    ]),
  )

  it('is done at once with an empty manifest', () => {
    const { root, cid } = build([])
    const loader = new ManifestLoader(root, cid)
    assert(loader.done)
    assert.deepEqual(loader.wanted(), [])
    assert.equal(loader.index().chunksCount, 0)
    assert.deepEqual(loader.index().pages.map(String), [cid.toString()])
  })

  it('gives no index before it is done', () => {
    assert.throws(() => new ManifestLoader(wide.root, wide.cid).index(), /not loaded/)
  })

  it('wants a bounded number of pages, and holds no more, when the first comes last', () => {
    assert(wide.pages.size > PAGES_WANTED_MAX + 10)
    const loader = new ManifestLoader(wide.root, wide.cid)
    let most = 0
    while (!loader.done) {
      const wanted = loader.wanted()
      most = Math.max(most, wanted.length)
      loader.add(wanted.at(-1)!, wide.pages.get(wanted.at(-1)!.toString())!)
    }
    assert.equal(most, PAGES_WANTED_MAX)
    assert.equal(loader.index().entries.length, 2000)
  })

  it('asks again for a page that came so early that too many others got in before it', () => {
    // The first section's pages, known only when its top is read, push the second section's top out of reach.
    const { root, cid, pages } = build([
      ...Array.from({ length: 3000 }, (_, i): Staged => ['hot', symlink(`link ${String(i).padStart(5, '0')}`, 'x'.repeat(4000))]),
      ['bulk', directory('last')],
    ])
    const loader = new ManifestLoader(root, cid)
    const asked: string[] = []
    while (!loader.done) {
      const next = loader.wanted().at(-1)!
      asked.push(next.toString())
      loader.add(next, pages.get(next.toString())!)
    }
    const bulk = root.sections[2]!.pages!.toString()
    assert.deepEqual(
      asked.filter((text) => text === bulk),
      [bulk, bulk],
    )
    assert.equal(loader.index().pages.length, pages.size + 1)
  })

  it('ignores pages that it has or never asked for', () => {
    const loader = new ManifestLoader(wide.root, wide.cid)
    const [top] = loader.wanted()
    const stranger = Uint8Array.of(1)
    loader.add(pageCid(stranger), stranger)
    loader.add(top!, wide.pages.get(top!.toString())!)
    loader.add(top!, wide.pages.get(top!.toString())!)
    const early = loader.wanted()[5]!
    loader.add(early, wide.pages.get(early.toString())!)
    loader.add(early, wide.pages.get(early.toString())!)
    assert(!loader.wanted().some((cid) => cid.toString() === early.toString()))
  })

  it('takes the stages one after the other', () => {
    const index = load(
      build([
        ['bootstrap', directory('a')],
        ['bootstrap', file('a/x', [chunk(1), chunk(2)])],
        ['bulk', file('a/y', [chunk(2), chunk(3)])],
        ['bulk', file('a/z')],
      ]),
    )
    assert.deepEqual(
      [index.stageRange('bootstrap'), index.stageRange('hot'), index.stageRange('bulk')],
      [
        { from: 0, to: 2 },
        { from: 2, to: 2 },
        { from: 2, to: 3 },
      ],
    )
    assert.equal(index.chunkStage(1), 'bootstrap')
    assert.equal(index.chunkStage(2), 'bulk')
    assert.deepEqual(index.places(1), [
      { entry: 1, offset: MIN },
      { entry: 2, offset: 0 },
    ])
  })
})
