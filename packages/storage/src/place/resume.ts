import { join } from 'node:path'
import { Bitmap, type SnapshotIndex, STAGES, type StageClass } from '@cairn/protocol'
import { readRange } from '../read-range.ts'
import { isChunk } from '../verify-directory.ts'
import { fingerprintFile } from './fingerprints.ts'
import type { DecodedJournal, JournalRecord } from './journal-codec.ts'
import { split } from './journal.ts'
import { replay } from './replay.ts'
import { bitmapRuns } from './runs.ts'

/** What a node that starts again may rely on. */
export interface Resumed {
  readonly have: Bitmap
  /** Chunks of {@link have} that the disk surely holds. */
  readonly durable: Bitmap
  readonly inodes: ReadonlyMap<number, bigint>
  readonly stages: ReadonlySet<StageClass>
  readonly complete: boolean
  /** Chunks that the journal listed and that are not in {@link have}. */
  readonly lostCount: number
  /** Chunks that were read and hashed to find out. */
  readonly rehashedCount: number
}

export function resumeEmpty(index: SnapshotIndex): Resumed {
  const none = (): Bitmap => new Bitmap(index.chunksCount)
  return { have: none(), durable: none(), inodes: new Map(), stages: new Set(), complete: false, lostCount: 0, rehashedCount: 0 }
}

/**
 * Decides what of a journal still holds for the files below `root`.
 *
 * - Same run of the machine: all that is listed, since the page cache outlives `kill -9`.
 * - Another run: what a barrier covers; the rest is read and hashed.
 * - A file that is gone or has another length: none of its chunks. One that is another file (other inode number): hashed.
 * - A directory that was complete and lost something: all of it is hashed.
 * - After a failed barrier in this same run: only what an earlier barrier covers. Reading would ask the page cache, not the disk.
 */
export async function resume(root: string, index: SnapshotIndex, journal: DecodedJournal, bootId: string | undefined): Promise<Resumed> {
  const { placed, durable, inodes, stages, complete, doubt } = replay(journal.records, index.chunksCount)
  const sameBoot = bootId !== undefined && journal.header.bootId === bootId
  const have = sameBoot && doubt ? durable.clone() : placed.clone()
  const suspects = new Bitmap(index.chunksCount)
  if (!sameBoot) {
    suspects.or(have)
    suspects.andNot(durable)
  }

  const found = new Map<number, bigint>()
  for (const [i, entry] of index.entries.entries()) {
    if (entry.type !== 'file' || !inodes.has(i)) continue
    const file = await fingerprintFile(join(root, entry.path))
    if (file?.bytes === entry.bytes) found.set(i, file.inode)
    if (file?.bytes === entry.bytes && file.inode === inodes.get(i)) continue
    for (const { chunk } of index.chunksOfFile(i)) {
      durable.clear(chunk)
      if (file?.bytes === entry.bytes) suspects.set(chunk)
      else have.clear(chunk)
    }
  }

  // Somebody was at work in a directory that was complete: what else they changed shows only when it is read. Done here, and not by
  // the caller later, because the journal that is written next no longer says that the directory was complete.
  if (complete && !have.isFull()) suspects.or(have)

  let rehashedCount = 0
  for (const chunk of suspects.indices()) {
    if (!have.get(chunk)) continue
    rehashedCount++
    if (!(await isInPlace(root, index, chunk))) have.clear(chunk)
  }
  durable.andNot(complementOf(have))
  return {
    have,
    durable,
    inodes: found,
    stages: new Set(STAGES.filter((stage) => stages.has(stage) && isStagePlaced(index, stage, have))),
    complete: complete && have.isFull(),
    lostCount: placed.count - have.count,
    rehashedCount,
  }
}

/** The shortest journal that says what was resumed. */
export function journalOf({ have, durable, inodes, stages, complete }: Resumed): readonly JournalRecord[] {
  const pending = have.clone()
  pending.andNot(durable)
  const placed = (chunks: Bitmap): readonly JournalRecord[] => [...split(bitmapRuns(chunks), (runs) => ({ type: 'placed', runs }) as const)]
  const files = [...inodes].map(([entry, inode]) => ({ entry, inode }))
  const covered: readonly JournalRecord[] = [...split(files, (files) => ({ type: 'files', files }) as const), ...placed(durable)]
  return [
    ...covered,
    { type: 'barrier', coveredRecords: covered.length },
    ...placed(pending),
    ...[...stages].map((stage) => ({ type: 'stage', stage }) as const),
    ...(complete ? [{ type: 'complete' } as const] : []),
  ]
}

/** Whether every chunk that `stage` needs, those of earlier stages included, is in `have`. */
export function isStagePlaced(index: SnapshotIndex, stage: StageClass, have: Bitmap): boolean {
  return (have.nextClear(0) ?? index.chunksCount) >= index.stageRange(stage).to
}

async function isInPlace(root: string, index: SnapshotIndex, chunk: number): Promise<boolean> {
  for (const { entry, offset } of index.places(chunk)) {
    const plain = await readRange(join(root, index.entries[entry]!.path), offset, index.chunkBytes(chunk))
    if (plain === undefined || !isChunk(plain, chunk, index)) return false
  }
  return true
}

function complementOf(bitmap: Bitmap): Bitmap {
  const complement = Bitmap.full(bitmap.size)
  complement.andNot(bitmap)
  return complement
}
