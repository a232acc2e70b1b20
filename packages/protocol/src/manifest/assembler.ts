import type { CID } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { type ChunkItems, chunkRefs } from './chunk-items.ts'
import { malformed } from './fields.ts'
import type { LeafPage, LeafRecord } from './page.ts'
import { type IndexedEntry, type IndexedFile, SnapshotIndex } from './snapshot-index.ts'
import { SnapshotTally } from './tally.ts'
import { type ManifestRoot, type ManifestTotals, STAGES, type StageClass } from './types.ts'
import { Uint32List } from './uint32.ts'

/** Puts the leaf pages of a manifest, in order, together into a {@link SnapshotIndex}, and checks content and totals. */
export class SnapshotAssembler {
  readonly #root: ManifestRoot
  readonly #tally: SnapshotTally
  readonly #entries: IndexedEntry[] = []
  #file: Omit<IndexedFile, 'refCount'> | undefined
  /** Chunk index of every mention. */
  readonly #refs = new Uint32List()
  /** Distinct chunks before each stage entered so far. */
  readonly #stageStarts: number[] = []

  constructor(root: ManifestRoot) {
    this.#root = root
    this.#tally = new SnapshotTally(root.chunking, root.totals.chunks)
  }

  /** @throws {ProtocolError} when the page breaks a rule of the tree, of its files or of the totals */
  addPage(stage: StageClass, page: LeafPage): void {
    this.#enter(stage)
    for (const record of page.records) this.#addRecord(stage, record)
  }

  /** @throws {ProtocolError} `MISMATCH` when what was added is not what the root says */
  finish(cid: CID, pages: readonly CID[]): SnapshotIndex {
    const { totals, chunkRoot } = this.#tally.finish()
    this.#closeFile()
    assertTotals(totals, this.#root.totals)
    assertSame('chunk root', Buffer.from(chunkRoot).toString('hex'), Buffer.from(this.#root.chunkRoot).toString('hex'))
    while (this.#stageStarts.length <= STAGES.length) this.#stageStarts.push(totals.chunks)
    return new SnapshotIndex({
      root: this.#root,
      cid,
      pages,
      entries: this.#entries,
      chunks: this.#tally.chunks,
      refs: this.#refs.toArray(),
      stageStarts: this.#stageStarts,
    })
  }

  #enter(stage: StageClass): void {
    if (this.#stageStarts.length > STAGES.indexOf(stage)) return
    this.#tally.enter(stage)
    // Sections without pages are passed over: they start and end here.
    while (this.#stageStarts.length <= STAGES.indexOf(stage)) this.#stageStarts.push(this.#tally.chunks.size)
  }

  #addRecord(stage: StageClass, record: LeafRecord): void {
    if (record.type === 'continuation') {
      if (this.#tally.missingBytes === 0) throw malformed('continuation record', 'continues no file')
      this.#addChunks(record.items)
      return
    }
    this.#closeFile()
    this.#tally.addEntry(record)
    if (record.type !== 'file') {
      this.#entries.push({ ...record, stage })
      return
    }
    const { items, ...header } = record
    this.#file = { ...header, stage, firstRef: this.#refs.length }
    this.#addChunks(items)
  }

  /** A file is listed when the next entry shows that it has all its chunks: they may go on over many pages. */
  #closeFile(): void {
    if (this.#file !== undefined) this.#entries.push({ ...this.#file, refCount: this.#refs.length - this.#file.firstRef })
    this.#file = undefined
  }

  #addChunks(items: ChunkItems): void {
    for (const ref of chunkRefs(items)) this.#refs.push(this.#tally.addChunk(ref))
  }
}

function assertTotals(found: ManifestTotals, wanted: ManifestTotals): void {
  for (const key of Object.keys(wanted) as readonly (keyof ManifestTotals)[])
    assertSame(`total of ${key}`, `${found[key]}`, `${wanted[key]}`)
}

function assertSame(what: string, found: string, wanted: string): void {
  if (found !== wanted) throw new ProtocolError({ code: 'MISMATCH', what, found, wanted })
}
