import type { Stats } from 'node:fs'
import { chmod, lstat, mkdir, rename, rm, rmdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { type CID, type IndexedEntry, parseCid, type SnapshotIndex } from '@cairn/protocol'
import { forEachBounded } from '../bounded.ts'
import { readFileIfExists, syncDirectory, writeFileDurably } from '../durable-file.ts'
import { StorageError } from '../errors.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { removeTree } from '../remove-tree.ts'
import { MODE_BITS, STATE_DIRECTORY } from '../walk.ts'
import { fingerprintsPath } from './fingerprints.ts'
import { workingMode } from './modes.ts'
import { journalPath } from './read-journal.ts'
import { assertNoForeignFiles, lstatIfExists } from './target-tree.ts'

/** Files removed or moved at once: freeing a large one takes the file system a while, and each is a trip to another thread. */
const CONCURRENCY = 4

/** What a switch that was begun has to end with. */
export interface PendingSwitch {
  readonly from: CID
  readonly to: CID
}

/** Where the next version of the directory `root` is built. */
export function nextPath(root: string): string {
  return join(root, STATE_DIRECTORY, 'next')
}

/** The switch that was begun in `root` and has not ended. @throws {StorageError} `CORRUPT`, `IO_FAILED` */
export async function pendingSwitch(root: string): Promise<PendingSwitch | undefined> {
  const path = recordPath(root)
  const bytes = await readFileIfExists(path)
  if (bytes === undefined) return undefined
  const [magic, from, to] = Buffer.from(bytes).toString('latin1').trim().split(' ')
  try {
    if (magic === RECORD && from !== undefined && to !== undefined) return { from: parseCid(from), to: parseCid(to) }
  } catch {
    // Said below.
  }
  throw new StorageError({ code: 'CORRUPT', path, reason: 'not a record of a switch' })
}

/**
 * Exchanges the entries of `from` in `root` for those of `to`, which is complete in {@link nextPath}; afterwards `root` is the
 * complete directory of `to`, its journal included.
 *
 * The record is written first, and every step may be done twice, so that a switch that was killed is ended by calling this again. What
 * `from` does not list is never removed.
 *
 * @throws {StorageError} `FOREIGN_FILES`, before anything is touched; `NO_SPACE`, `IO_FAILED`
 */
export async function switchTree(root: string, from: SnapshotIndex, to: SnapshotIndex): Promise<void> {
  const next = nextPath(root)
  const isBegun = (await pendingSwitch(root)) !== undefined
  if (!isBegun) {
    await assertNoForeignFiles(root, from)
    await writeFileDurably(recordPath(root), Buffer.from(`${RECORD} ${from.cid.toString()} ${to.cid.toString()}\n`))
  }
  // Their owner has to write into them; a directory that stays gets its own permissions in the end.
  for (const entry of from.entries) if (entry.type === 'directory') await makeWritable(join(root, entry.path))
  await removeOld(root, from, to)
  for (const entry of to.entries) {
    if (entry.type === 'directory') await makeDirectory(join(root, entry.path), workingMode(entry))
    if (entry.type === 'directory') await makeWritable(join(next, entry.path))
  }
  const moved = to.entries.filter(({ type }) => type !== 'directory')
  await forEachBounded(moved, CONCURRENCY, ({ path }) => moveIfThere(join(next, path), join(root, path)))
  for (const entry of to.entries.toReversed()) {
    if (entry.type !== 'directory') continue
    const path = join(root, entry.path)
    await guard(path, async () => {
      await syncDirectory(path)
      await chmod(path, entry.mode)
    })
  }
  await guard(root, () => syncDirectory(root))
  await moveIfThere(fingerprintsPath(next), fingerprintsPath(root))
  await moveIfThere(journalPath(next), journalPath(root))
  await guard(root, async () => {
    await syncDirectory(join(root, STATE_DIRECTORY))
    // Of a file that stays, this has another name still: moving one of its names over the other does nothing.
    await removeTree(next)
    await rm(recordPath(root), { force: true })
  })
}

const RECORD = 'cairn-switch-1'

function recordPath(root: string): string {
  return join(root, STATE_DIRECTORY, 'switch')
}

/** Removes what only `from` lists, or lists as something else: children before their directories. */
async function removeOld(root: string, from: SnapshotIndex, to: SnapshotIndex): Promise<void> {
  const old = from.entries.filter(({ path, type }) => to.entries[to.entryAt(path) ?? -1]?.type !== type)
  const remove = ({ path, type }: IndexedEntry): Promise<void> => guard(join(root, path), () => removeEntry(join(root, path), type))
  const [directories, others] = [old.filter(({ type }) => type === 'directory'), old.filter(({ type }) => type !== 'directory')]
  await forEachBounded(others, CONCURRENCY, remove)
  for (const directory of directories.toReversed()) await remove(directory)
}

async function removeEntry(path: string, type: IndexedEntry['type']): Promise<void> {
  const stats = await lstatIfExists(path)
  // Done before, and something of the new version may be there by now.
  if (stats === undefined || !isOfType(stats, type)) return
  try {
    if (type === 'directory') await rmdir(path)
    else await unlink(path)
  } catch (cause) {
    // Somebody has put a file of their own into it meanwhile: that stays.
    if (!isSystemError(cause, 'ENOTEMPTY', 'EEXIST')) throw cause
  }
}

function isOfType(stats: Stats, type: IndexedEntry['type']): boolean {
  if (type === 'directory') return stats.isDirectory()
  return type === 'file' ? stats.isFile() : stats.isSymbolicLink()
}

async function makeWritable(path: string): Promise<void> {
  await guard(path, async () => {
    const stats = await lstatIfExists(path)
    if (stats?.isDirectory() === true && (stats.mode & 0o700) !== 0o700) await chmod(path, (stats.mode & MODE_BITS) | 0o700)
  })
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  await guard(path, async () => {
    try {
      await mkdir(path, mode)
    } catch (cause) {
      if (!isSystemError(cause, 'EEXIST') || !(await lstat(path)).isDirectory()) throw cause
    }
  })
}

async function moveIfThere(from: string, to: string): Promise<void> {
  await guard(to, async () => {
    try {
      await rename(from, to)
    } catch (cause) {
      // Done before, or the directory that it was in is gone with it.
      if (!isSystemError(cause, 'ENOENT', 'ENOTDIR') || (await lstatIfExists(from)) !== undefined) throw cause
    }
  })
}

async function guard(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw storageErrorOf(cause, path)
  }
}
