import { join } from 'node:path'
import type { IndexedEntry, SnapshotIndex } from '@cairn/protocol'
import { forEachBounded } from '../bounded.ts'
import type { PlacedFiles } from './placed-files.ts'
import { fingerprintFile } from './fingerprints.ts'

/** Files looked at at once: each is a trip to another thread, which takes longer than the look. */
const CONCURRENCY = 4

/** Files, by entry, that chunks were placed in and that are not there as they were made, or, under another name, were written to. Reads no content. */
export async function findStrangers(
  root: string,
  index: SnapshotIndex,
  files: PlacedFiles,
  concerns: (entry: IndexedEntry) => boolean,
): Promise<readonly number[]> {
  const strangers: number[] = []
  await forEachBounded(index.entries.entries(), CONCURRENCY, async ([i, entry]) => {
    if (entry.type !== 'file' || files.inode(i) === undefined || !concerns(entry)) return
    const found = await fingerprintFile(join(root, entry.path))
    const linked = files.linked.get(i)
    const isWritten = linked !== undefined && linked.mtimeNs !== found?.mtimeNs
    if (isWritten || found?.bytes !== entry.bytes || found.inode !== files.inode(i)) strangers.push(i)
  })
  return strangers
}
