import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { isSystemError, storageErrorOf } from '../io-error.ts'

/** Works with the regular file `path` open for reading; `undefined` if it is gone, a link, or no file. */
export function withSource<T>(path: string, work: (file: number) => T): T | undefined {
  let file: number | undefined
  try {
    // Without O_NONBLOCK, opening a pipe that somebody put there would wait for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    return fstatSync(file).isFile() ? work(file) : undefined
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO')) return undefined
    throw storageErrorOf(cause, path)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}

/** Fills `buffer` from `offset` of an open file; how much of it, which is less only where the file ends. */
export function readAt(file: number, offset: number, buffer: Uint8Array): number {
  let filled = 0
  while (filled < buffer.byteLength) {
    const bytesRead = readSync(file, buffer, filled, buffer.byteLength - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/** Fills `buffer` from `offset` of the regular file `path`; false if it is gone, shorter, or a link. */
export function readFully(path: string, offset: number, buffer: Uint8Array): boolean {
  return withSource(path, (file) => readAt(file, offset, buffer) === buffer.byteLength) === true
}
