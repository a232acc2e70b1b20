import { StorageError } from './errors.ts'

/** SQLite's primary result codes, the low byte of an extended code. @see https://sqlite.org/rescode.html */
const SQLITE_FULL = 13

/**
 * What Node's file system, blockstore-fs or SQLite threw, as a {@link StorageError} that names `path`.
 * `bytes` is how much was to be written. A `StorageError` comes back unchanged.
 */
export function storageErrorOf(cause: unknown, path: string, bytes?: number): StorageError {
  if (cause instanceof StorageError) return cause
  if (isOutOfSpace(cause)) return new StorageError({ code: 'NO_SPACE', path, ...(bytes === undefined ? {} : { bytes }) }, { cause })
  return new StorageError({ code: 'IO_FAILED', path, reason: cause instanceof Error ? cause.message : String(cause) }, { cause })
}

/** Whether `error` is Node's system error `code`, `'ENOENT'` for example. */
export function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

function isOutOfSpace(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  if (isSystemError(cause, 'ENOSPC', 'EDQUOT')) return true
  if ('errcode' in cause && typeof cause.errcode === 'number') return (cause.errcode & 0xff) === SQLITE_FULL
  // blockstore-fs keeps only the text of the system error: "Error: ENOSPC: no space left on device, write".
  return /\b(?:ENOSPC|EDQUOT)\b/.test(cause.message)
}
