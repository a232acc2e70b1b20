import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseCid, sha256 } from '../../src/cid.ts'
import type { ProtocolFault } from '../../src/errors.ts'
import {
  type ChunkRef,
  type Entry,
  ManifestBuilder,
  type ManifestBuilderInit,
  type StageClass,
  decodePage,
  decodeRoot,
} from '../../src/manifest/index.ts'
import { hex, readVectors, unhex } from '../vectors.ts'
import { type Staged, assertFault, file, load } from './fixtures.ts'

type Json<T> = T extends Uint8Array ? string : T extends object ? { readonly [K in keyof T]: Json<T[K]> } : T

interface Vectors {
  readonly accepted: readonly {
    readonly name: string
    readonly init: Json<Omit<ManifestBuilderInit, 'parent'>> & { readonly parent?: string }
    readonly entries: readonly { readonly stage: StageClass; readonly entry: Json<Entry> }[]
    readonly root: { readonly cid: string; readonly hex: string }
    readonly pages: readonly { readonly cid: string; readonly hex: string }[]
  }[]
  readonly large: {
    readonly init: ManifestBuilderInit
    readonly recipe: { readonly files: number }
    readonly root: { readonly cid: string; readonly bytes: number }
    readonly pages: readonly { readonly cid: string; readonly bytes: number }[]
  }
  readonly refused: readonly {
    readonly name: string
    readonly block: 'page' | 'root'
    readonly code: ProtocolFault['code']
    readonly hex: string
  }[]
}

const vectors = readVectors('manifest') as Vectors

interface BuiltPage {
  readonly cid: string
  readonly bytes: Uint8Array
}

describe('manifest vectors', () => {
  for (const { name, init, entries, root, pages } of vectors.accepted) {
    it(`builds: ${name}`, () => {
      const built = buildPages(
        revive(init),
        entries.map(({ stage, entry }): Staged => [stage, reviveEntry(entry)]),
      )
      assert.deepEqual(
        built.pages.map(({ cid, bytes }) => ({ cid, hex: hex(bytes) })),
        pages,
      )
      assert.deepEqual({ cid: built.root.cid, hex: hex(built.root.bytes) }, root)
    })

    it(`loads: ${name}`, () => {
      const blocks = new Map(pages.map((page) => [page.cid, unhex(page.hex)]))
      const index = load({ root: decodeRoot(unhex(root.hex)), cid: parseCid(root.cid), pages: blocks })
      assert.deepEqual(
        index.entries.map(({ path, stage }) => [path, stage]),
        entries.map(({ entry, stage }) => [entry.path, stage]),
      )
    })
  }

  it('builds the large one', () => {
    const { init, recipe, root, pages } = vectors.large
    const entries = Array.from({ length: recipe.files }, (_, f): Staged => {
      const chunks = Array.from({ length: 10 * f }, (_, c): ChunkRef => ({ digest: sha256(Buffer.from(`${f} ${c}`)), bytes: 65_536 }))
      return ['bulk', file(`f${String(f).padStart(4, '0')}`, chunks)]
    })
    const built = buildPages(init, entries)
    assert.deepEqual(
      built.pages.map(({ cid, bytes }) => ({ cid, bytes: bytes.byteLength })),
      pages,
    )
    assert.deepEqual({ cid: built.root.cid, bytes: built.root.bytes.byteLength }, root)
  })

  for (const { name, block, code, hex } of vectors.refused) {
    it(`refuses: ${name}`, () => assertFault(() => (block === 'page' ? decodePage : decodeRoot)(unhex(hex)), code))
  }
})

function buildPages(
  init: ManifestBuilderInit,
  entries: readonly Staged[],
): { readonly root: BuiltPage; readonly pages: readonly BuiltPage[] } {
  const pages: BuiltPage[] = []
  const builder = new ManifestBuilder(init, (cid, bytes) => pages.push({ cid: cid.toString(), bytes }))
  for (const [stage, entry] of entries) builder.add(stage, entry)
  const { cid, bytes } = builder.finish()
  return { root: { cid: cid.toString(), bytes }, pages }
}

function revive({ parent, provenance, ...init }: Vectors['accepted'][number]['init']): ManifestBuilderInit {
  const { stateRoot, checkpoint, ...rest } = provenance
  return {
    ...init,
    parent: parent === undefined ? undefined : parseCid(parent),
    provenance: {
      ...rest,
      ...(stateRoot !== undefined && { stateRoot: unhex(stateRoot) }),
      ...(checkpoint !== undefined && { checkpoint: unhex(checkpoint) }),
    },
  }
}

function reviveEntry(entry: Json<Entry>): Entry {
  if (entry.type !== 'file') return entry
  return { ...entry, chunks: entry.chunks.map(({ digest, bytes }) => ({ digest: unhex(digest), bytes })) }
}
