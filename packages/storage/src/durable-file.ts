import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isSystemError, storageErrorOf } from './io-error.ts'

/**
 * Replaces the small file `path` with `bytes` in one step: after a crash or a power cut it holds the old bytes or the new ones.
 * When the promise resolves, the new ones have reached the disk. Concurrent writes of one path are the caller's to prevent.
 *
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; the old content stays
 */
export async function writeFileDurably(path: string, bytes: Uint8Array, mode = 0o644): Promise<void> {
  const temporary = `${path}.tmp`
  try {
    await using file = await open(temporary, 'w', mode)
    await file.writeFile(bytes)
    await file.sync()
    await rename(temporary, path)
    await syncDirectory(dirname(path))
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw storageErrorOf(cause, path, bytes.byteLength)
  }
}

/** @throws {StorageError} `IO_FAILED` */
export async function readFileIfExists(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined
    throw storageErrorOf(cause, path)
  }
}

/** Makes the names in directory `path` survive a power cut: what was created, renamed and removed there. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
