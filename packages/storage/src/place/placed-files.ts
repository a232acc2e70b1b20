import { constants } from 'node:fs'
import { chmod, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { IndexedFile, SnapshotIndex, StageClass } from '@cairn/protocol'
import PQueue from 'p-queue'
import { forEachBounded } from '../bounded.ts'
import type { Disk } from '../disk.ts'
import { syncDirectory } from '../durable-file.ts'
import { StorageError } from '../errors.ts'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import { MODE_BITS } from '../walk.ts'
import { HandleCache } from './handle-cache.ts'
import type { PlacedFile } from './journal-codec.ts'
import { workingMode } from './modes.ts'

/** Most systems let a process open 1,024 files; sockets need some. */
const HANDLES_MAX = 512
/** Writes under way: they wait in libuv's 4 threads anyway, and each may hold a file open. */
const WRITE_CONCURRENCY = 16
/** As in the block store: leaves threads for reads and writes while a barrier runs. */
const SYNC_CONCURRENCY = 2

export interface PlacedFilesInit {
  readonly root: string
  readonly index: SnapshotIndex
  readonly disk: Disk
  /** Inode numbers of the files that an earlier run made, by entry. */
  readonly inodes: ReadonlyMap<number, bigint>
  /** Hears of every file that is made, before anything is written to it. */
  readonly onCreated: (file: PlacedFile) => void
}

/**
 * The files of the target while chunks are written into them.
 *
 * A file is made at its final path with its final size, sparse, when its first chunk arrives. No link is followed on the last name;
 * the names before it are directories that the store has made or checked. Knows which files and directories the disk has yet to take.
 */
export class PlacedFiles {
  readonly #root: string
  readonly #index: SnapshotIndex
  readonly #disk: Disk
  readonly #onCreated: (file: PlacedFile) => void
  readonly #inodes: Map<number, bigint>
  readonly #handles = new HandleCache(HANDLES_MAX, (entry) => this.#open(entry))
  readonly #writes = new PQueue({ concurrency: WRITE_CONCURRENCY })
  #dirtyFiles = new Set<number>()
  #dirtyDirectories = new Set<string>()

  constructor(init: PlacedFilesInit) {
    this.#root = init.root
    this.#index = init.index
    this.#disk = init.disk
    this.#inodes = new Map(init.inodes)
    this.#onCreated = init.onCreated
  }

  /** Inode number of the file made for `entry`. */
  inode(entry: number): bigint | undefined {
    return this.#inodes.get(entry)
  }

  /** Whether something was written or made that no {@link sync} has taken on. */
  get isDirty(): boolean {
    return this.#dirtyFiles.size > 0 || this.#dirtyDirectories.size > 0
  }

  pathOf(entry: number): string {
    return join(this.#root, this.#file(entry).path)
  }

  /** Counts the file of `entry` among those that the next {@link sync} brings to the disk. */
  markDirty(entry: number): void {
    this.#dirtyFiles.add(entry)
    this.#dirtyDirectories.add(dirname(this.pathOf(entry)))
  }

  markDirectoryDirty(path: string): void {
    this.#dirtyDirectories.add(path)
  }

  /**
   * Writes `bytes` at `offset` of the file of `entry`.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`, `FOREIGN_FILES` if something else has taken the file's place
   */
  async write(entry: number, offset: number, bytes: Uint8Array): Promise<void> {
    await this.#writes.add(() =>
      this.#use(entry, bytes.byteLength, async (handle) => {
        for (let done = 0; done < bytes.byteLength;) {
          const { bytesWritten } = await handle.write(bytes, done, bytes.byteLength - done, offset + done)
          done += bytesWritten
        }
        this.#dirtyFiles.add(entry)
      }),
    )
  }

  /** Makes the file of `entry` if it is not there: what an empty file needs. */
  async create(entry: number): Promise<void> {
    await this.#use(entry, 0, async () => undefined)
  }

  /** The file of `entry` is not the one that was made here: the next write takes whatever is in its place. */
  async forget(entry: number): Promise<void> {
    this.#inodes.delete(entry)
    await this.#handles.forget(entry)
  }

  /**
   * Brings everything written before the call, or of it what is in files of `stage`, to the disk, contents first, then names.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`. The disk may then have lost any of it: the kernel reports that only once.
   */
  async sync(stage?: StageClass): Promise<void> {
    const [allFiles, allDirectories] = [this.#dirtyFiles, this.#dirtyDirectories]
    const files = stage === undefined ? allFiles : new Set([...allFiles].filter((entry) => this.#file(entry).stage === stage))
    const directories = stage === undefined ? allDirectories : new Set([...files].map((entry) => dirname(this.pathOf(entry))))
    this.#dirtyFiles = allFiles.difference(files)
    this.#dirtyDirectories = allDirectories.difference(directories)
    await forEachBounded(files, SYNC_CONCURRENCY, (entry) => this.#use(entry, 0, (handle) => handle.datasync()))
    await forEachBounded(directories, SYNC_CONCURRENCY, async (path) => {
      await syncDirectory(path).catch((cause: unknown) => {
        throw storageErrorOf(cause, path)
      })
    })
  }

  /** Waits for the writes under way and closes every file. */
  async close(): Promise<void> {
    await this.#writes.onIdle()
    await this.#handles.close()
  }

  async #use(entry: number, bytes: number, work: (handle: FileHandle) => Promise<void>): Promise<void> {
    try {
      await this.#handles.use(entry, work)
    } catch (cause) {
      throw storageErrorOf(cause, this.pathOf(entry), bytes)
    }
  }

  #file(entry: number): IndexedFile {
    const file = this.#index.entries[entry]
    if (file?.type !== 'file') throw new RangeError(`entry ${entry} is not a file`)
    return file
  }

  async #open(entry: number): Promise<FileHandle> {
    const file = this.#file(entry)
    const path = this.pathOf(entry)
    const handle = await this.#openWritable(path, workingMode(file))
    try {
      const stats = await handle.stat({ bigint: true })
      if (!stats.isFile()) throw new StorageError({ code: 'FOREIGN_FILES', path: this.#root, found: [file.path] })
      const known = this.#inodes.get(entry)
      if (known === undefined) {
        this.#inodes.set(entry, stats.ino)
        this.#onCreated({ entry, inode: stats.ino })
        this.markDirty(entry)
      } else if (stats.ino !== known) {
        // Chunks were placed in the file that is gone. The next start hashes what is in this one.
        throw new StorageError({ code: 'CORRUPT', path, reason: 'it was replaced while the snapshot was being placed' })
      }
      if (stats.size !== BigInt(file.bytes)) await handle.truncate(file.bytes)
      // `open` leaves out what the umask forbids; the manifest's permissions are exact.
      if ((Number(stats.mode) & MODE_BITS) !== workingMode(file)) await handle.chmod(workingMode(file))
      return handle
    } catch (cause) {
      await handle.close()
      throw cause
    }
  }

  async #openWritable(path: string, mode: number): Promise<FileHandle> {
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
    try {
      return await this.#disk.open(path, flags, mode)
    } catch (cause) {
      if (!isSystemError(cause, 'EACCES')) throw cause
      // A finished file without write permission that lost a chunk: opened again for the repair.
      await chmod(path, mode)
      return this.#disk.open(path, flags, mode)
    }
  }
}
