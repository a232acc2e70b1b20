import type { ChunkingParameters } from '../chunking.ts'
import type { CID } from '../cid.ts'
import { encodeRoot, MANIFEST_VERSION } from './root-codec.ts'
import { type EmitPage, PageTree } from './page-tree.ts'
import { SnapshotTally } from './tally.ts'
import {
  type ChunkRef,
  type Compression,
  type Entry,
  type EntryHeader,
  type FileHeader,
  type ManifestRoot,
  type Provenance,
  STAGES,
  type SectionSummary,
  type SnapshotIdentity,
  type StageClass,
} from './types.ts'

export interface ManifestBuilderInit {
  readonly identity: SnapshotIdentity
  readonly chunking: ChunkingParameters
  readonly compression: Compression
  /** Root of the snapshot that this one follows. */
  readonly parent?: CID | undefined
  readonly provenance: Provenance
}

export interface BuiltManifest {
  readonly cid: CID
  readonly bytes: Uint8Array
  readonly root: ManifestRoot
}

/**
 * Writes the manifest of one snapshot in one pass: the same entries and chunks give the same pages, byte for byte.
 *
 * Stages come in the order of `STAGES`, paths bytewise ascending within a stage, every parent directory before its children
 * and in the same or an earlier stage; `planSections` puts a walked tree into that order.
 * Memory is one page per level of the tree, 44 to 88 bytes per distinct chunk, and the paths of directories and of
 * the stages before the last.
 *
 * Everything refused throws {@link ProtocolError} with the path; a builder that threw is of no more use.
 */
export class ManifestBuilder {
  readonly #init: ManifestBuilderInit
  readonly #emit: EmitPage
  readonly #tally: SnapshotTally
  readonly #sections: SectionSummary[] = []
  #tree: PageTree

  /** `emit` gets every page but the root as soon as it is cut, children before parents; some pages may come twice. */
  constructor(init: ManifestBuilderInit, emit: EmitPage) {
    this.#init = init
    this.#emit = emit
    this.#tally = new SnapshotTally(init.chunking)
    this.#tree = new PageTree(emit)
  }

  /** Adds a whole entry. A file too large for a chunk list in memory goes through {@link startFile}. */
  add(stage: StageClass, entry: Entry): void {
    this.#addHeader(stage, entry)
    if (entry.type === 'file') for (const chunk of entry.chunks) this.addChunk(chunk)
  }

  /** Begins a file of `bytes` bytes; {@link addChunk} must bring exactly these before anything else is added. */
  startFile(stage: StageClass, file: FileHeader): void {
    this.#addHeader(stage, file)
  }

  /** Adds the next chunk of the file begun last, in file order; returns its chunk index, which a chunk that was there before has already. */
  addChunk(chunk: ChunkRef): number {
    this.#tree.addChunk(chunk)
    return this.#tally.addChunk(chunk)
  }

  /** Closes the last pages and makes the root, which is returned and not emitted. */
  finish(): BuiltManifest {
    const { totals, chunkRoot } = this.#tally.finish()
    while (this.#sections.length < STAGES.length) this.#closeSection()
    const { identity, chunking, compression, parent, provenance } = this.#init
    const root: ManifestRoot = {
      version: MANIFEST_VERSION,
      network: identity.network,
      ledger: identity.ledger,
      height: identity.height,
      parent,
      chunking,
      compression,
      sections: this.#sections,
      totals,
      chunkRoot,
      provenance,
    }
    return { ...encodeRoot(root), root }
  }

  #addHeader(stage: StageClass, entry: EntryHeader): void {
    this.#tally.enter(stage)
    this.#tally.addEntry(entry)
    while (this.#sections.length < STAGES.indexOf(stage)) this.#closeSection()
    this.#tree.addEntry(entry)
  }

  #closeSection(): void {
    const top = this.#tree.finish()
    this.#tree = new PageTree(this.#emit)
    this.#sections.push({
      stage: STAGES[this.#sections.length]!,
      pages: top?.cid,
      entries: top?.entries ?? 0,
      chunks: top?.chunks ?? 0,
      bytes: top?.bytes ?? 0,
    })
  }
}
