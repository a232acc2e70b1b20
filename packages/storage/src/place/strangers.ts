import { join } from 'node:path'
import type { IndexedEntry, SnapshotIndex } from '@cairn/protocol'
import type { PlacedFiles } from './placed-files.ts'
import { statFile } from './resume.ts'

/** Files, by entry, that chunks were placed in and that are not there as they were made. Reads no content. */
export async function findStrangers(
  root: string,
  index: SnapshotIndex,
  files: PlacedFiles,
  concerns: (entry: IndexedEntry) => boolean,
): Promise<readonly number[]> {
  const strangers: number[] = []
  for (const [i, entry] of index.entries.entries()) {
    if (entry.type !== 'file' || files.inode(i) === undefined || !concerns(entry)) continue
    const found = await statFile(join(root, entry.path))
    if (found?.bytes !== entry.bytes || found.inode !== files.inode(i)) strangers.push(i)
  }
  return strangers
}
