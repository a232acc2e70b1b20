import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { storageErrorOf } from './io-error.ts'
import { lstatIfExists } from './place/target-tree.ts'

/**
 * Removes `path` and all below it, also where directories were published without write permission. Follows no link.
 *
 * @throws {StorageError} `IO_FAILED`
 */
export async function removeTree(path: string): Promise<void> {
  try {
    await makeWritable(path)
    await rm(path, { recursive: true, force: true })
  } catch (cause) {
    throw storageErrorOf(cause, path)
  }
}

async function makeWritable(path: string): Promise<void> {
  const stats = await lstatIfExists(path)
  if (stats?.isDirectory() !== true) return
  if ((stats.mode & 0o700) !== 0o700) await chmod(path, 0o700)
  for (const entry of await readdir(path, { withFileTypes: true })) if (entry.isDirectory()) await makeWritable(join(path, entry.name))
}
