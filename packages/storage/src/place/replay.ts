import { Bitmap, type StageClass } from '@cairn/protocol'
import type { JournalRecord, Run } from './journal-codec.ts'

/** What a journal says, taken together. */
export interface Replay {
  /** Chunks that were written to all their places. */
  readonly placed: Bitmap
  /** Those of them that have reached the disk. */
  readonly durable: Bitmap
  /** Inode number of the file made for each entry. */
  readonly inodes: ReadonlyMap<number, bigint>
  readonly stages: ReadonlySet<StageClass>
  readonly complete: boolean
  /** A barrier failed: not even the page cache vouches for what is placed and not durable. */
  readonly doubt: boolean
}

/** Folds the records of a journal, in order. Chunk indexes are below `chunksCount`. */
export function replay(records: readonly JournalRecord[], chunksCount: number): Replay {
  const placed = new Bitmap(chunksCount)
  const durable = new Bitmap(chunksCount)
  const inodes = new Map<number, bigint>()
  const stages = new Set<StageClass>()
  /** Chunks that no barrier has covered, with the number of the record that placed them. */
  const uncovered = new Map<number, number>()
  let complete = false
  let doubt = false
  for (const [recordNumber, record] of records.entries()) {
    switch (record.type) {
      case 'placed':
        for (const index of indexesOf(record.runs)) {
          placed.set(index)
          uncovered.set(index, recordNumber)
        }
        break
      case 'cleared':
        for (const index of indexesOf(record.runs)) {
          placed.clear(index)
          durable.clear(index)
          uncovered.delete(index)
        }
        // Whatever is placed there again has not been committed.
        stages.clear()
        complete = false
        break
      case 'files':
        for (const { entry, inode } of record.files) inodes.set(entry, inode)
        break
      case 'barrier':
        for (const [index, placedBy] of uncovered) {
          if (placedBy >= record.coveredRecords) continue
          durable.set(index)
          uncovered.delete(index)
        }
        break
      case 'doubt':
        doubt = true
        break
      case 'stage':
        stages.add(record.stage)
        break
      case 'complete':
        complete = true
        break
      default:
        record satisfies never
    }
  }
  return { placed, durable, inodes, stages, complete: complete && placed.isFull(), doubt }
}

function* indexesOf(runs: readonly Run[]): Generator<number> {
  for (const { first, count } of runs) for (let i = 0; i < count; i++) yield first + i
}
