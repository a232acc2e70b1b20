import { comparePaths } from './paths.ts'
import type { IndexedEntry, IndexedFile, SnapshotIndex } from './snapshot-index.ts'

/** `changed`: other content, link target or type. `mode`: only the permission bits differ. */
export type EntryChange =
  | { readonly type: 'added'; readonly to: IndexedEntry }
  | { readonly type: 'removed'; readonly from: IndexedEntry }
  | { readonly type: 'changed'; readonly from: IndexedEntry; readonly to: IndexedEntry }
  | { readonly type: 'mode'; readonly from: IndexedEntry; readonly to: IndexedEntry }

/** Distinct chunks and their plain bytes. */
export interface ChunkAmount {
  readonly chunks: number
  readonly bytes: number
}

export interface SnapshotDiff {
  /** By path. */
  readonly changes: readonly EntryChange[]
  /** How many entries are the same in both. */
  readonly unchanged: number
  readonly counts: Readonly<Record<EntryChange['type'], number>>
  /** Chunks of `to` that `from` has. */
  readonly shared: ChunkAmount
  /** Chunks of `to` that `from` lacks: what a holder of `from` fetches, before any compression. */
  readonly toFetch: ChunkAmount
}

/**
 * What a holder of `from` sees and fetches when it goes to `to`; any two snapshots will do.
 * Contents are compared by chunk digests, so with another chunking profile every file that is not empty is `changed`.
 */
export function diffSnapshots(from: SnapshotIndex, to: SnapshotIndex): SnapshotDiff {
  const inFrom = matchChunks(from, to)
  const changes: EntryChange[] = []
  const counts = { added: 0, removed: 0, changed: 0, mode: 0 }
  const record = (change: EntryChange): void => {
    changes.push(change)
    counts[change.type]++
  }
  for (const entry of to.entries) {
    const before = entryAt(from, entry.path)
    if (before === undefined) record({ type: 'added', to: entry })
    else if (!isSameContent(from, before, to, entry, inFrom)) record({ type: 'changed', from: before, to: entry })
    else if (modeOf(before) !== modeOf(entry)) record({ type: 'mode', from: before, to: entry })
  }
  const unchanged = to.entries.length - changes.length
  for (const entry of from.entries) if (to.entryAt(entry.path) === undefined) record({ type: 'removed', from: entry })
  changes.sort((a, b) => comparePaths(changePath(a), changePath(b)))
  return { changes, unchanged, counts, ...chunkAmounts(to, inFrom) }
}

/** The path that a change is about. */
export function changePath(change: EntryChange): string {
  return change.type === 'removed' ? change.from.path : change.to.path
}

const ABSENT = -1

/** For each chunk of `to` its index in `from`, or {@link ABSENT}. */
function matchChunks(from: SnapshotIndex, to: SnapshotIndex): Int32Array {
  return Int32Array.from({ length: to.chunksCount }, (_, chunk) => from.findChunk(to.chunkDigest(chunk)) ?? ABSENT)
}

function chunkAmounts(to: SnapshotIndex, inFrom: Int32Array): Pick<SnapshotDiff, 'shared' | 'toFetch'> {
  const shared = { chunks: 0, bytes: 0 }
  const toFetch = { chunks: 0, bytes: 0 }
  for (const [chunk, match] of inFrom.entries()) {
    const amount = match === ABSENT ? toFetch : shared
    amount.chunks++
    amount.bytes += to.chunkBytes(chunk)
  }
  return { shared, toFetch }
}

function isSameContent(from: SnapshotIndex, before: IndexedEntry, to: SnapshotIndex, after: IndexedEntry, inFrom: Int32Array): boolean {
  if (before.type === 'file') return after.type === 'file' && isSameFile(from, before, to, after, inFrom)
  if (before.type === 'symlink') return after.type === 'symlink' && before.target === after.target
  return after.type === 'directory'
}

function isSameFile(from: SnapshotIndex, before: IndexedFile, to: SnapshotIndex, after: IndexedFile, inFrom: Int32Array): boolean {
  if (before.bytes !== after.bytes || before.refCount !== after.refCount) return false
  for (let i = 0; i < after.refCount; i++) {
    if (inFrom[to.refChunk(after.firstRef + i)] !== from.refChunk(before.firstRef + i)) return false
  }
  return true
}

function entryAt(index: SnapshotIndex, path: string): IndexedEntry | undefined {
  const i = index.entryAt(path)
  return i === undefined ? undefined : index.entries[i]
}

/** Links have none that counts. */
function modeOf(entry: IndexedEntry): number | undefined {
  return entry.type === 'symlink' ? undefined : entry.mode
}
