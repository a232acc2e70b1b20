import type { ChunkingParameters } from '../chunking.ts'
import type { CID } from '../cid.ts'

/** What a section is for; stages are fetched and committed in the order of {@link STAGES}. */
export type StageClass = 'bootstrap' | 'hot' | 'bulk'

/** `bootstrap`: what a node needs to start serving; `hot`: what it will be asked for first; `bulk`: the rest. */
export const STAGES = ['bootstrap', 'hot', 'bulk'] as const satisfies readonly StageClass[]

/** The state that a snapshot is of. Names are those that `isName` accepts. */
export interface SnapshotIdentity {
  readonly network: string
  readonly ledger: string
  readonly height: number
}

/** Permission bits, set-user-id, set-group-id and sticky: all that `chmod` sets. */
export const MODE_MAX = 0o7777

/** One mention of a chunk: SHA-256 (32 bytes) and length of its plain bytes. */
export interface ChunkRef {
  readonly digest: Uint8Array
  readonly bytes: number
}

/** What is known of a file before it is cut. `mode`: 0 to {@link MODE_MAX}. */
export interface FileHeader {
  readonly type: 'file'
  readonly path: string
  readonly mode: number
  readonly bytes: number
}

/** `chunks` in file order; an empty file has none. */
export interface FileEntry extends FileHeader {
  readonly chunks: readonly ChunkRef[]
}

export interface DirectoryEntry {
  readonly type: 'directory'
  readonly path: string
  readonly mode: number
}

/** `target` as `readlink` gives it: never resolved, so it may dangle or point outside. */
export interface SymlinkEntry {
  readonly type: 'symlink'
  readonly path: string
  readonly target: string
}

export type Entry = FileEntry | DirectoryEntry | SymlinkEntry

/** An entry without its chunks: all that the rules of the tree look at. */
export type EntryHeader = FileHeader | DirectoryEntry | SymlinkEntry

/** What lies below a page or in a section: `chunks` counts mentions, `bytes` is their plain length. */
export interface PageCounts {
  readonly entries: number
  readonly chunks: number
  readonly bytes: number
}

/** One stage's page tree; `pages` is its top page, `undefined` when the section is empty. */
export interface SectionSummary extends PageCounts {
  readonly stage: StageClass
  readonly pages: CID | undefined
}

/** Over all sections. `chunks` and `distinctBytes` count every digest once. */
export interface ManifestTotals {
  readonly files: number
  readonly directories: number
  readonly symlinks: number
  readonly chunkRefs: number
  readonly chunks: number
  readonly bytes: number
  readonly distinctBytes: number
}

/** How the publisher's own store compresses; a hint, identity is over plain bytes. */
export interface Compression {
  readonly codec: 'zstd'
  readonly level: number
}

/** Where the state came from; `stateRoot` and `checkpoint` where the ledger has them. */
export interface Provenance {
  readonly tool: string
  readonly sourceHeight: number
  readonly stateRoot?: Uint8Array
  readonly checkpoint?: Uint8Array
}

/** The block whose CID names a snapshot. */
export interface ManifestRoot extends SnapshotIdentity {
  readonly version: 1
  /** Root of the snapshot that this one follows. */
  readonly parent: CID | undefined
  readonly chunking: ChunkingParameters
  readonly compression: Compression
  /** One per stage, in the order of {@link STAGES}. */
  readonly sections: readonly SectionSummary[]
  readonly totals: ManifestTotals
  /** RFC 9162 root over the distinct chunk digests in order of first appearance. */
  readonly chunkRoot: Uint8Array
  readonly provenance: Provenance
}
