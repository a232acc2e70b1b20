import { fdatasync, openSync, writeSync } from 'node:fs'
import { type FileHandle, open, statfs } from 'node:fs/promises'
import { promisify } from 'node:util'

/** The operations that fail when a disk fills up or dies. Tests hand in ones that do. */
export interface Disk {
  /** As `open` of `node:fs/promises`. */
  open(path: string, flags: string | number, mode?: number): Promise<FileHandle>
  /** As `openSync` of `node:fs`. */
  openSync(path: string, flags: number, mode: number): number
  /** Writes some of `bytes` from `from` on at `position` of an open file; how many. */
  writeSync(file: number, bytes: Uint8Array, from: number, position: number): number
  /** As `fdatasync`: resolves when the disk has the content of an open file. */
  datasync(file: number): Promise<void>
  /** Bytes that this process may still write to the file system of `path`. */
  availableBytes(path: string): Promise<number>
}

export const systemDisk: Disk = {
  open: (path, flags, mode) => open(path, flags, mode),
  openSync,
  writeSync: (file, bytes, from, position) => writeSync(file, bytes, from, bytes.byteLength - from, position),
  datasync: promisify(fdatasync),
  async availableBytes(path) {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
}
