import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { STATE_DIRECTORY } from '../walk.ts'

/**
 * Every regular file below `root`, relative to it, in no particular order. Follows no link, passes over what may not be read and over the
 * `.cairn` at the top: unlike a walk that publishes, this looks for what it can use.
 *
 * @throws {StorageError} `IO_FAILED` if `root` itself cannot be read
 */
export async function* filesBelow(root: string): AsyncGenerator<string> {
  const directories = ['']
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    let entries
    try {
      entries = await readdir(join(root, directory), { withFileTypes: true })
    } catch (cause) {
      if (directory !== '' && isSystemError(cause, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM')) continue
      throw storageErrorOf(cause, join(root, directory))
    }
    for (const entry of entries) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`
      if (path === STATE_DIRECTORY) continue
      if (entry.isDirectory()) directories.push(path)
      else if (entry.isFile()) yield path
    }
  }
}
