import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { UsageError } from './errors.ts'

/** Configurations and trust roots are a few KiB; whoever names a snapshot's file by mistake is told so at once. */
export const INPUT_FILE_BYTES_MAX = 1024 * 1024

/**
 * The bytes of a small file that `flag` (such as `--trust`) names.
 *
 * @throws {UsageError} if there is none, it may not be read, or is not a small file
 */
export function readInputFile(path: string, flag: string): Buffer {
  try {
    const file = openSync(path, 'r')
    try {
      const stats = fstatSync(file)
      if (stats.isDirectory()) throw new UsageError(`${flag} ${path} is a directory, not a file`)
      if (stats.size > INPUT_FILE_BYTES_MAX) throw new UsageError(`${flag} ${path} is too large to be the right file: ${stats.size} bytes`)
      return readFileSync(file)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${flag} ${path} cannot be read: ${reasonOf(error)}`, 'check the path', { cause: error })
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  switch (code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
      return 'permission denied'
    default:
      return message
  }
}
