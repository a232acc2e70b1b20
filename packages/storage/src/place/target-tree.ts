import { type Dirent, type Stats } from 'node:fs'
import { chmod, lstat, mkdir, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bitmap, IndexedEntry, SnapshotIndex } from '@cairn/protocol'
import type { Disk } from '../disk.ts'
import { StorageError } from '../errors.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { STATE_DIRECTORY } from '../walk.ts'
import { workingMode } from './modes.ts'

/** How many foreign files an error names. */
const FOREIGN_LISTED_MAX = 5

/**
 * Checks that the target holds nothing but `.cairn` and, if `index` is given, what its entries may have left there.
 * With `mayBeMore`, entries that the index does not list are passed over. A link where a directory belongs is foreign too, so whatever is placed below cannot leave the target.
 *
 * @throws {StorageError} `FOREIGN_FILES` with up to five paths, `IO_FAILED`
 */
export async function assertNoForeignFiles(root: string, index: SnapshotIndex | undefined, mayBeMore = false): Promise<void> {
  const found: string[] = []
  for await (const path of foreignFiles(root, index)) {
    if (mayBeMore && index?.entryAt(path) === undefined) continue
    found.push(path)
    if (found.length === FOREIGN_LISTED_MAX) break
  }
  if (found.length > 0) throw new StorageError({ code: 'FOREIGN_FILES', path: root, found })
}

/** Paths in `root` that are not as `index` says: extra, or of another type. Does not look below a directory that is extra. */
export async function* foreignFiles(root: string, index: SnapshotIndex | undefined): AsyncGenerator<string> {
  const directories = (index?.entries ?? []).filter((entry) => entry.type === 'directory').map(({ path }) => path)
  for (const directory of ['', ...directories]) {
    for (const dirent of await readDirectory(join(root, directory))) {
      const path = directory === '' ? dirent.name : `${directory}/${dirent.name}`
      if (path === STATE_DIRECTORY) continue
      const entry = index?.entries[index.entryAt(path) ?? -1]
      if (entry === undefined || !isOfType(dirent, entry)) yield path
    }
  }
}

/** Makes the target and its `.cairn`; the target with links resolved. */
export async function makeRoot(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true })
    const root = await realpath(path)
    const state = await lstatIfExists(join(root, STATE_DIRECTORY))
    if (state !== undefined && !state.isDirectory()) throw new StorageError({ code: 'FOREIGN_FILES', path: root, found: [STATE_DIRECTORY] })
    await mkdir(join(root, STATE_DIRECTORY), { recursive: true })
    return root
  } catch (cause) {
    throw storageErrorOf(cause, path)
  }
}

/**
 * @param bytesOf what is to be written for a chunk that is not in `have`
 * @throws {StorageError} `NO_SPACE` with the bytes still to come, if the disk has fewer
 */
export async function assertSpace(root: string, have: Bitmap, disk: Disk, bytesOf: (chunk: number) => number): Promise<void> {
  let bytes = 0
  for (let chunk = have.nextClear(0); chunk !== undefined; chunk = have.nextClear(chunk + 1)) bytes += bytesOf(chunk)
  const available = await disk.availableBytes(root)
  if (available < bytes) throw new StorageError({ code: 'NO_SPACE', path: root, bytes })
}

/** Makes the directories of the snapshot, writable for now; those that are there (and checked) become so. */
export async function makeDirectories(root: string, index: SnapshotIndex): Promise<void> {
  for (const entry of index.entries) {
    if (entry.type !== 'directory') continue
    const path = join(root, entry.path)
    try {
      const stats = await lstatIfExists(path)
      if (stats === undefined) await mkdir(path, 0o700)
      if (stats === undefined || (stats.mode & 0o700) !== 0o700) await chmod(path, workingMode(entry))
    } catch (cause) {
      throw storageErrorOf(cause, path)
    }
  }
}

export async function lstatIfExists(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined
    throw storageErrorOf(cause, path)
  }
}

async function readDirectory(path: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (cause) {
    // A listed directory that is not there yet, or is something else and was reported as its parent's entry.
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return []
    throw storageErrorOf(cause, path)
  }
}

function isOfType(dirent: Dirent, entry: IndexedEntry): boolean {
  switch (entry.type) {
    case 'file':
      return dirent.isFile()
    case 'directory':
      return dirent.isDirectory()
    case 'symlink':
      return dirent.isSymbolicLink()
    default:
      return entry satisfies never
  }
}
