import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The directory of a log, as the log uses it. Tests hand in ones that fail, and ones that forget what was not synced. */
export interface LogFiles {
  /** Names in the directory. */
  list(): readonly string[]
  read(name: string): Uint8Array
  /** Opens to write at positions; creates the file if it is not there. */
  open(name: string): LogFile
  rename(from: string, to: string): void
  remove(name: string): void
  /** Makes the directory's names durable. */
  syncNames(): void
}

export interface LogFile {
  /** Writes all of `bytes` at `position`. */
  write(bytes: Uint8Array, position: number): void
  /** `bytes` bytes at `position`; fewer where the file ends. */
  read(position: number, bytes: number): Uint8Array
  /** Resolves when what was written is on disk: fdatasync. */
  sync(): Promise<void>
  close(): void
}

const datasync = promisify(fdatasync)

export function systemLogFiles(directory: string): LogFiles {
  return {
    list: () => readdirSync(directory),
    read: (name) => readFileSync(join(directory, name)),
    open: (name) => openFile(join(directory, name)),
    rename: (from, to) => renameSync(join(directory, from), join(directory, to)),
    remove: (name) => rmSync(join(directory, name), { force: true }),
    syncNames: () => {
      const descriptor = openSync(directory, 'r')
      try {
        fsyncSync(descriptor)
      } finally {
        closeSync(descriptor)
      }
    },
  }
}

function openFile(path: string): LogFile {
  const descriptor = openAt(path)
  return {
    // Into the page cache, which takes microseconds: another thread would take longer to be asked.
    write(bytes, position) {
      for (let at = 0; at < bytes.byteLength;) at += writeSync(descriptor, bytes, at, bytes.byteLength - at, position + at)
    },
    read(position, bytes) {
      const buffer = new Uint8Array(bytes)
      return buffer.subarray(0, readSync(descriptor, buffer, 0, bytes, position))
    },
    sync: () => datasync(descriptor),
    close: () => closeSync(descriptor),
  }
}

/** `a` of the usual flags would ignore positions, `r+` would not create, `w+` would empty. */
function openAt(path: string): number {
  try {
    return openSync(path, 'r+', 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    const descriptor = openSync(path, 'wx+', 0o600)
    fdatasyncSync(descriptor)
    return descriptor
  }
}
