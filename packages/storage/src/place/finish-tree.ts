import { constants } from 'node:fs'
import { open, readlink, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { IndexedSymlink, SnapshotIndex } from '@cairn/protocol'
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
  for (const entry of index.entries) if (entry.type === 'symlink') await placeLink(root, entry)
  const files = index.entries.filter((entry) => entry.type === 'file')
  await forEachBounded(files, CONCURRENCY, ({ path, mode }) => setMode(join(root, path), mode))
  // The manifest lists parents before their children.
  for (const entry of index.entries.toReversed()) {
    if (entry.type !== 'directory') continue
    const path = join(root, entry.path)
    await guard(path, () => syncDirectory(path)) // for the links in it
    await setMode(path, entry.mode)
  }
  await guard(root, () => syncDirectory(root))
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
