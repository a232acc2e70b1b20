import { constants } from 'node:fs'
import { open, readlink, symlink, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { IndexedEntry, IndexedSymlink, SnapshotIndex, StageClass } from '@cairn/protocol'
import { forEachBounded } from '../bounded.ts'
import { syncDirectory } from '../durable-file.ts'
import { StorageError } from '../errors.ts'
import { storageErrorOf } from '../io-error.ts'
import { MODE_BITS } from '../walk.ts'
import { lstatIfExists } from './target-tree.ts'

/** As in the stores: leaves libuv threads for others. */
const CONCURRENCY = 2

/**
 * Gives a target whose files are whole and on the disk its last touches: links, then the permissions of files, then those of
 * directories, deepest first, since a directory may end up read-only. All of it has reached the disk when the promise resolves.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`, `FOREIGN_FILES` if something else has taken a link's place
 */
export async function finishTree(root: string, index: SnapshotIndex): Promise<void> {
  await finishEntries(root, index.entries)
  // The manifest lists parents before their children.
  for (const entry of index.entries.toReversed()) {
    if (entry.type !== 'directory') continue
    const path = join(root, entry.path)
    await guard(path, () => syncDirectory(path)) // for the links in it
    await setMode(path, entry.mode)
  }
  await guard(root, () => syncDirectory(root))
}

/**
 * The same for the links and files of one stage, whose files are whole and on the disk. Directories keep the permissions that later
 * stages need to write into them: those of the snapshot, and whatever its owner needs on top.
 *
 * @throws {StorageError} as {@link finishTree}
 */
export async function finishStage(root: string, index: SnapshotIndex, stage: StageClass): Promise<void> {
  const entries = index.entries.filter((entry) => entry.stage === stage)
  await finishEntries(root, entries)
  const changed = new Set(entries.flatMap(({ type, path }) => (type === 'symlink' ? [dirname(join(root, path))] : [])))
  for (const path of changed) await guard(path, () => syncDirectory(path))
}

async function finishEntries(root: string, entries: readonly IndexedEntry[]): Promise<void> {
  for (const entry of entries) if (entry.type === 'symlink') await placeLink(root, entry)
  const files = entries.filter((entry) => entry.type === 'file')
  await forEachBounded(files, CONCURRENCY, ({ path, mode }) => setMode(join(root, path), mode))
}

async function placeLink(root: string, { path, target }: IndexedSymlink): Promise<void> {
  const full = join(root, path)
  await guard(full, async () => {
    const stats = await lstatIfExists(full)
    if (stats !== undefined) {
      if (!stats.isSymbolicLink()) throw new StorageError({ code: 'FOREIGN_FILES', path: root, found: [path] })
      if ((await readlink(full)) === target) return
      await unlink(full)
    }
    await symlink(target, full)
  })
}

async function setMode(path: string, mode: number): Promise<void> {
  await guard(path, async () => {
    const stats = await lstatIfExists(path)
    if (stats !== undefined && (stats.mode & MODE_BITS) === mode) return
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
    await file.chmod(mode)
    await file.sync()
  })
}

async function guard(path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    throw storageErrorOf(cause, path)
  }
}
