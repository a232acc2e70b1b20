import { openPlaceStore, type Placer, type PlaceStore } from '../../src/index.ts'
import { type SampleEntry, type SampleSnapshot, sampleBytes, sampleSnapshot } from '../../src/testing/index.ts'
import { deliver } from '../place/trees.ts'

const KIB = 1024
const kept = sampleBytes('kept', 300 * KIB)
const log = sampleBytes('log', 400 * KIB)
const table = sampleBytes('table', 700 * KIB)

/** Short enough to be one chunk. */
export const near = sampleBytes('near', 15 * KIB)
export const nearLater = Uint8Array.from(near, (byte, i) => (i % 1000 === 0 ? byte ^ 1 : byte))

/** A ledger's directory before and after: files that stay, are renamed, grow, shift, are split, change type, come and go. */
export const olderTree: readonly SampleEntry[] = [
  { type: 'directory', path: 'db', mode: 0o755 },
  { type: 'file', path: 'db/kept', mode: 0o444, content: kept },
  { type: 'file', path: 'db/log', mode: 0o644, content: log },
  { type: 'file', path: 'db/mode', mode: 0o600, content: sampleBytes('mode', 100 * KIB) },
  { type: 'file', path: 'db/old-name', mode: 0o644, content: sampleBytes('renamed', 200 * KIB) },
  { type: 'directory', path: 'gone', mode: 0o755 },
  { type: 'file', path: 'gone/file', mode: 0o644, content: sampleBytes('gone', 50 * KIB) },
  { type: 'symlink', path: 'link', target: 'db/old-name' },
  { type: 'file', path: 'near', mode: 0o644, content: near },
  { type: 'file', path: 'table', mode: 0o644, content: table },
  { type: 'file', path: 'was-file', mode: 0o644, content: Buffer.from('soon a directory') },
  { type: 'symlink', path: 'was-link', target: 'db' },
]

export const newerTree: readonly SampleEntry[] = [
  { type: 'directory', path: 'db', mode: 0o555 },
  { type: 'file', path: 'db/kept', mode: 0o444, content: kept },
  { type: 'file', path: 'db/log', mode: 0o644, content: Buffer.concat([log, sampleBytes('appended', 30 * KIB)]) },
  { type: 'file', path: 'db/mode', mode: 0o640, content: sampleBytes('mode', 100 * KIB) },
  { type: 'file', path: 'db/new-name', mode: 0o644, content: sampleBytes('renamed', 200 * KIB) },
  { type: 'file', path: 'empty', mode: 0o644, content: Buffer.alloc(0) },
  { type: 'symlink', path: 'link', target: 'db/new-name' },
  { type: 'file', path: 'near', mode: 0o644, content: nearLater },
  { type: 'file', path: 'shifted', mode: 0o644, content: Buffer.concat([sampleBytes('inserted', 1000), table.subarray(0, 500 * KIB)]) },
  { type: 'file', path: 'table-2', mode: 0o644, content: table.subarray(350 * KIB) },
  { type: 'directory', path: 'was-file', mode: 0o755 },
  { type: 'file', path: 'was-file/below', mode: 0o644, content: sampleBytes('below', 10 * KIB) },
  { type: 'file', path: 'was-link', mode: 0o644, content: Buffer.from('now a file') },
]

export const older = sampleSnapshot(olderTree, 5, 'content')
export const newer = sampleSnapshot(newerTree, 6, 'content')

/** Joins `snapshot` into `path`, all of it. */
export async function joinWhole(path: string, snapshot: SampleSnapshot, placer?: Placer): Promise<void> {
  await using store = await openPlaceStore({ path, index: snapshot.index, ...(placer === undefined ? {} : { placer }) })
  await finishFrom(store, snapshot)
}

/** Delivers what is missing; how many chunks that were. */
export async function finishFrom(store: PlaceStore, snapshot: SampleSnapshot): Promise<number> {
  const missing = Array.from({ length: snapshot.index.chunksCount }, (_, chunk) => chunk).filter((chunk) => !store.have.get(chunk))
  await deliver(store, snapshot, missing)
  await store.finish()
  return missing.length
}

/** How many chunks of `to` are in `from`. */
export function sharedCount(from: SampleSnapshot, to: SampleSnapshot): number {
  let count = 0
  for (let chunk = 0; chunk < to.index.chunksCount; chunk++) if (from.index.findChunk(to.index.chunkDigest(chunk)) !== undefined) count++
  return count
}
