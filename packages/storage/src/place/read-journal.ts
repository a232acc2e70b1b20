import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { CID } from '@cairn/protocol'
import { readFileIfExists } from '../durable-file.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { STATE_DIRECTORY } from '../walk.ts'
import { type DecodedJournal, decodeJournal } from './journal-codec.ts'
import { replay } from './replay.ts'
import { assertNoForeignFiles } from './target-tree.ts'

/** Path of the journal of a target directory. */
export function journalPath(root: string): string {
  return join(root, STATE_DIRECTORY, 'journal')
}

/** @throws {StorageError} `UNSUPPORTED_VERSION`, `CORRUPT`, `IO_FAILED` */
export async function readJournal(root: string): Promise<DecodedJournal | undefined> {
  const path = journalPath(root)
  const bytes = await readFileIfExists(path)
  return bytes === undefined ? undefined : decodeJournal(bytes, path)
}

/** Which snapshot a directory was joined to, and how far that went according to its journal. */
export interface JoinedTarget {
  readonly snapshot: CID
  readonly chunksCount: number
  readonly placedCount: number
  readonly complete: boolean
}

/**
 * Looks at a target before anything is fetched, and changes nothing: `undefined` if it is absent or holds nothing but `.cairn`.
 *
 * @throws {StorageError} `FOREIGN_FILES` if there are files and no journal; `UNSUPPORTED_VERSION`, `CORRUPT`, `IO_FAILED`
 */
export async function inspectTarget(path: string): Promise<JoinedTarget | undefined> {
  const root = await realTarget(path)
  if (root === undefined) return undefined
  const journal = await readJournal(root)
  if (journal === undefined) {
    await assertNoForeignFiles(root, undefined)
    return undefined
  }
  const { snapshot, chunksCount } = journal.header
  const { placed, complete } = replay(journal.records, chunksCount)
  return { snapshot, chunksCount, placedCount: placed.count, complete }
}

/** The directory behind `path` (the target itself may be a link), `undefined` if there is none. */
async function realTarget(path: string): Promise<string | undefined> {
  try {
    return await realpath(path)
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined
    throw storageErrorOf(cause, path)
  }
}
