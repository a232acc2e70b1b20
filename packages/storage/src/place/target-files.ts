import { chmodSync, closeSync, constants, fchmodSync, fstatSync, ftruncateSync, lstatSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import type { Disk } from '../disk.ts'
import { StorageError } from '../errors.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { MODE_BITS } from '../walk.ts'
import type { PlacedFile } from './journal-codec.ts'
import { readAt } from './open-source.ts'
import type { TargetFile } from './placer.ts'

/** Of each of two threads. Some systems let a process open no more than 1,024 files; sockets need some. */
const FILES_OPEN_MAX = 256
/** Of a file that gets content of its own, at a time. */
const COPY_BYTES = 1024 * 1024

/**
 * The files of a target, open for writing, the last {@link FILES_OPEN_MAX} of them.
 *
 * A file is made at its final path with its final size, sparse. No link is followed on the last name. Works on the calling thread: each
 * call takes microseconds, which is less than handing it to another thread, and the whole of it runs off the main thread where that matters.
 */
export class TargetFiles {
  readonly #disk: Disk
  /** Descriptor by entry, in order of last use. */
  readonly #open = new Map<number, number>()
  readonly #busy = new Set<number>()

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /**
   * The descriptor of `file`, made or opened; valid until the next call. `made` takes a file whose inode was not known.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`, `FOREIGN_FILES`, `CORRUPT`
   */
  use(file: TargetFile, made: PlacedFile[]): number {
    let descriptor = this.#open.get(file.entry)
    if (descriptor !== undefined && file.isMade === true && inodeOf(descriptor) !== file.inode) {
      // Whoever makes it has made it anew.
      this.forget(file.entry)
      descriptor = undefined
    }
    if (descriptor === undefined) {
      descriptor = this.#openFile(file, made)
      this.#makeRoom()
    } else {
      this.#open.delete(file.entry)
    }
    this.#open.set(file.entry, descriptor)
    return descriptor
  }

  /**
   * Makes or opens `file`, and says which it is.
   *
   * @throws {StorageError} as {@link use}
   */
  make(file: TargetFile): PlacedFile {
    return { entry: file.entry, inode: inodeOf(this.use(file, [])) }
  }

  /** @throws {StorageError} as {@link use} */
  write(file: TargetFile, offset: number, bytes: Uint8Array, made: PlacedFile[]): void {
    const descriptor = this.use(file, made)
    try {
      for (let done = 0; done < bytes.byteLength;) done += this.#disk.writeSync(descriptor, bytes, done, offset + done)
    } catch (cause) {
      throw storageErrorOf(cause, file.path, bytes.byteLength)
    }
  }

  /**
   * Brings the content of `file` to the disk. One file is brought there once at a time.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  async sync(file: TargetFile): Promise<void> {
    if (!this.#open.has(file.entry) && (await this.#syncLinked(file))) return
    const descriptor = this.use(file, [])
    this.#busy.add(descriptor)
    try {
      await this.#disk.datasync(descriptor)
    } catch (cause) {
      throw storageErrorOf(cause, file.path)
    } finally {
      this.#busy.delete(descriptor)
      if (this.#open.get(file.entry) !== descriptor) closeSync(descriptor)
    }
  }

  /** A file that another version has too is not opened for writing, nor given permissions to write. */
  async #syncLinked({ path, inode }: TargetFile): Promise<boolean> {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (stats === undefined || stats.nlink < 2n || stats.ino !== inode) return false
    const descriptor = this.#disk.openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW, 0)
    try {
      await this.#disk.datasync(descriptor)
    } catch (cause) {
      throw storageErrorOf(cause, path)
    } finally {
      closeSync(descriptor)
    }
    return true
  }

  forget(entry: number): void {
    const descriptor = this.#open.get(entry)
    if (descriptor === undefined) return
    this.#open.delete(entry)
    // A file that is being brought to the disk is closed when that is done.
    if (!this.#busy.has(descriptor)) closeSync(descriptor)
  }

  close(): void {
    for (const entry of this.#open.keys()) this.forget(entry)
  }

  #makeRoom(): void {
    for (const entry of this.#open.keys()) {
      if (this.#open.size < FILES_OPEN_MAX) return
      this.forget(entry)
    }
  }

  #openFile(file: TargetFile, made: PlacedFile[]): number {
    let descriptor: number | undefined
    try {
      descriptor = this.#openWritable(file)
      let stats = fstatSync(descriptor, { bigint: true })
      if (!stats.isFile()) throw new StorageError({ code: 'FOREIGN_FILES', path: dirname(file.path), found: [basename(file.path)] })
      if (file.inode !== undefined && file.inode !== stats.ino) {
        // Chunks were placed in the file that is gone. The next start hashes what is in this one.
        throw new StorageError({ code: 'CORRUPT', path: file.path, reason: 'it was replaced while the snapshot was being placed' })
      }
      if (stats.nlink > 1n && file.isMade !== true) {
        closeSync(descriptor)
        descriptor = undefined
        makeOwn(file.path)
        descriptor = this.#openWritable(file)
        stats = fstatSync(descriptor, { bigint: true })
        made.push({ entry: file.entry, inode: stats.ino })
      } else if (file.inode === undefined) made.push({ entry: file.entry, inode: stats.ino })
      if (stats.size !== BigInt(file.bytes)) ftruncateSync(descriptor, file.bytes)
      // `open` leaves out what the umask forbids; the manifest's permissions are exact.
      if ((Number(stats.mode) & MODE_BITS) !== file.mode) fchmodSync(descriptor, file.mode)
      return descriptor
    } catch (cause) {
      if (descriptor !== undefined) closeSync(descriptor)
      throw storageErrorOf(cause, file.path, file.bytes)
    }
  }

  #openWritable({ path, mode }: TargetFile): number {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    try {
      return this.#disk.openSync(path, flags, mode)
    } catch (cause) {
      if (!isSystemError(cause, 'EACCES')) throw cause
      // A finished file without write permission that lost a chunk: opened again for the repair.
      chmodSync(path, mode)
      return this.#disk.openSync(path, flags, mode)
    }
  }
}

function inodeOf(descriptor: number): bigint {
  return fstatSync(descriptor, { bigint: true }).ino
}

/**
 * Gives `path` a file of its own: one that has other names is another version's too, and nothing is written into it. After a kill in the
 * middle its inode is another one than the journal's, so that what is in it is hashed.
 */
function makeOwn(path: string): void {
  const buffer = Buffer.allocUnsafeSlow(COPY_BYTES)
  const source = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    rmSync(path)
    const copy = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, fstatSync(source).mode & MODE_BITS)
    try {
      for (let at = 0, filled = -1; filled !== 0; at += filled) {
        filled = readAt(source, at, buffer)
        writeFileSync(copy, buffer.subarray(0, filled))
      }
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
}
