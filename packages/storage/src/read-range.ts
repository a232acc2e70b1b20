import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { isSystemError, storageErrorOf } from './io-error.ts'

/**
 * Reads `bytes` bytes at `offset` of the regular file `path`; `undefined` if it is gone, shorter, or a link.
 *
 * @throws {StorageError} `IO_FAILED`
 */
export async function readRange(path: string, offset: number, bytes: number): Promise<Buffer | undefined> {
  try {
    // Without O_NONBLOCK, opening a pipe that somebody put there would wait for a writer.
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    return await readFully(file, offset, Buffer.allocUnsafeSlow(bytes))
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR')) return undefined
    throw storageErrorOf(cause, path)
  }
}

/** Fills `buffer` from `offset` of `file`; `undefined` if the file ends before. */
export async function readFully(file: FileHandle, offset: number, buffer: Buffer): Promise<Buffer | undefined> {
  for (let filled = 0; filled < buffer.byteLength;) {
    const { bytesRead } = await file.read(buffer, filled, buffer.byteLength - filled, offset + filled)
    if (bytesRead === 0) return undefined
    filled += bytesRead
  }
  return buffer
}
