import { type CID, pageCid } from '../../src/cid.ts'
import { merkleRoot } from '../../src/merkle.ts'
import {
  type ChunkRef,
  type LeafRecord,
  type ManifestRoot,
  type ManifestTotals,
  type PageRef,
  STAGES,
  type SectionSummary,
  type StageClass,
  chunkRefs,
  encodePage,
  encodeRoot,
} from '../../src/manifest/index.ts'
import { encodeChunkItem } from '../../src/manifest/chunk-items.ts'
import { type Page, pageCounts } from '../../src/manifest/page.ts'
import { init } from './fixtures.ts'

/** Manifests that a builder refuses to make: pages as told, and a root whose counts are right unless told otherwise. */
export class Forge {
  readonly pages = new Map<string, Uint8Array>()
  readonly #records: LeafRecord[] = []

  leaf(...records: readonly LeafRecord[]): PageRef {
    this.#records.push(...records)
    return this.#add({ type: 'leaf', level: 0, records })
  }

  index(level: number, ...children: readonly PageRef[]): PageRef {
    return this.#add({ type: 'index', level, children })
  }

  root(tops: Partial<Record<StageClass, PageRef>>, lie: { totals?: Partial<ManifestTotals>; chunkRoot?: Uint8Array } = {}): ForgedManifest {
    const sections = STAGES.map((stage): SectionSummary => {
      const top = tops[stage]
      return { stage, pages: top?.cid, entries: top?.entries ?? 0, chunks: top?.chunks ?? 0, bytes: top?.bytes ?? 0 }
    })
    const sum = (key: 'entries' | 'chunks' | 'bytes'): number => sections.reduce((total, section) => total + section[key], 0)
    const distinct = this.#distinct()
    const count = (type: LeafRecord['type']): number => this.#records.filter((record) => record.type === type).length
    const root: ManifestRoot = {
      version: 1,
      ...init.identity,
      parent: undefined,
      chunking: init.chunking,
      compression: init.compression,
      sections,
      totals: {
        files: sum('entries') - count('directory') - count('symlink'),
        directories: count('directory'),
        symlinks: count('symlink'),
        chunkRefs: sum('chunks'),
        chunks: distinct.length,
        bytes: sum('bytes'),
        distinctBytes: distinct.reduce((total, { bytes }) => total + bytes, 0),
        ...lie.totals,
      },
      chunkRoot: lie.chunkRoot ?? new Uint8Array(merkleRoot(distinct.map(({ digest }) => digest))),
      provenance: init.provenance,
    }
    return { root, cid: encodeRoot(root).cid, pages: this.pages }
  }

  #add(page: Page): PageRef {
    const bytes = encodePage(page)
    const cid = pageCid(bytes)
    this.pages.set(cid.toString(), bytes)
    return { cid, ...pageCounts(page) }
  }

  #distinct(): readonly ChunkRef[] {
    const distinct = new Map<string, ChunkRef>()
    for (const record of this.#records) {
      if (record.type !== 'file' && record.type !== 'continuation') continue
      for (const ref of chunkRefs(record.items)) {
        const key = Buffer.from(ref.digest).toString('hex')
        if (!distinct.has(key)) distinct.set(key, ref)
      }
    }
    return [...distinct.values()]
  }
}

export interface ForgedManifest {
  readonly root: ManifestRoot
  readonly cid: CID
  readonly pages: ReadonlyMap<string, Uint8Array>
}

/** A file record whose length is what its chunks say, or `bytes`. */
export function fileRecord(path: string, chunks: readonly ChunkRef[], bytes?: number): LeafRecord {
  const total = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0)
  return { type: 'file', path, mode: 0o644, bytes: bytes ?? total, items: packed(chunks) }
}

export function continuation(chunks: readonly ChunkRef[]): LeafRecord {
  return { type: 'continuation', items: packed(chunks) }
}

function packed(chunks: readonly ChunkRef[]): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks.map(encodeChunkItem)))
}
