import { type FileHandle, open, statfs } from 'node:fs/promises'

/** The operations that fail when a disk fills up or dies. Tests hand in ones that do. */
export interface Disk {
  /** As `open` of `node:fs/promises`. */
  open(path: string, flags: string | number, mode?: number): Promise<FileHandle>
  /** Bytes that this process may still write to the file system of `path`. */
  availableBytes(path: string): Promise<number>
}

export const systemDisk: Disk = {
  open: (path, flags, mode) => open(path, flags, mode),
  async availableBytes(path) {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  },
}
