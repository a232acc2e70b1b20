import assert from 'node:assert/strict'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { CHUNK_BYTES_MAX, type CID, decodeFrame, isPageCid, PAGE_BYTES_MAX, verifyBlock } from '@cairn/protocol'
import { type Clock, type Log, silentLog, systemClock } from '@cairn/runtime'
import type { Blockstore } from 'interface-blockstore'
import { BlockFiles } from './block-files.ts'
import { BlockIndex } from './block-index.ts'
import { type BlockKey, blockKey, keyCid } from './block-key.ts'
import type { BlockStore } from './block-store.ts'
import { readBootId } from './boot-id.ts'
import { forEachBounded } from './bounded.ts'
import { DirectoryLock } from './directory-lock.ts'
import { syncDirectory } from './durable-file.ts'
import { StorageError } from './errors.ts'
import { storageErrorOf } from './io-error.ts'

/** Files synced at a time. libuv has 4 threads for all file work: two are left for reads while a barrier runs. */
const SYNC_CONCURRENCY = 2
/** Files looked at at a time while a store that was not closed is put in order. */
const SCAN_CONCURRENCY = 4

export interface FsBlockStoreInit {
  /** Directory of the store; created, with its parents, if absent. */
  readonly path: string
  readonly clock?: Clock
  readonly log?: Log
  /** What writes the files; tests pass one that fails. */
  readonly blocks?: Pick<Blockstore, 'put'>
}

/**
 * Opens the store in `path`, which no other process may have open.
 *
 * After a clean close this reads the index and nothing else. Otherwise it lists the files once: what a killed process wrote and had not
 * indexed is verified and kept, its temporary files are removed, rows whose file is gone are dropped. Nothing indexed is read again.
 *
 * @throws {StorageError} `LOCKED`, `UNSUPPORTED_VERSION`, `NO_SPACE`, `IO_FAILED`
 */
export async function openFsBlockStore(init: FsBlockStoreInit): Promise<FsBlockStore> {
  return FsBlockStore.open(init)
}

/**
 * A {@link BlockStore} on a file system: `lock`, `index.sqlite` and `data/<shard>/<cid>.frame`.
 *
 * - A file is complete whenever it has its name, and is written before the row that mentions it.
 * - The index is in memory as well, about 90 bytes a block: `has` is synchronous.
 * - Every read is checked against the frame's CRC-32, so that a damaged disk, or a power cut before {@link flush}, costs the block
 *   and not the reputation of the peer that serves it.
 */
export class FsBlockStore implements BlockStore {
  readonly #files: BlockFiles
  readonly #index: BlockIndex
  readonly #lock: DirectoryLock
  readonly #log: Log
  readonly #bootId: string | undefined
  /** Bytes of every frame held. */
  readonly #blocks: Map<BlockKey, number>
  /** Blocks that are being written or deleted; never rejects. One at a time per CID. */
  readonly #busy = new Map<BlockKey, Promise<void>>()
  /** Blocks written since the last barrier began. */
  #unsynced = new Set<BlockKey>()
  #totalBytes = 0
  #barrier: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  private constructor(files: BlockFiles, { index, blocks }: LoadedIndex, lock: DirectoryLock, log: Log, bootId: string | undefined) {
    this.#files = files
    this.#index = index
    this.#blocks = blocks
    this.#lock = lock
    this.#log = log
    this.#bootId = bootId
    for (const bytes of blocks.values()) this.#totalBytes += bytes
  }

  /** @see openFsBlockStore */
  static async open(init: FsBlockStoreInit): Promise<FsBlockStore> {
    const log = init.log ?? silentLog
    await mkdir(init.path, { recursive: true }).catch((cause: unknown) => {
      throw storageErrorOf(cause, init.path)
    })
    const lock = DirectoryLock.acquire(init.path)
    let loaded: LoadedIndex | undefined
    try {
      loaded = await loadIndex(init, log)
      const { index } = loaded
      const bootId = await readBootId()
      const { clean, bootId: bootIdBefore } = index.state
      const store = new FsBlockStore(new BlockFiles(join(init.path, 'data'), init.blocks), loaded, lock, log, bootId)
      if (!clean) await store.#reconcile(bootId !== bootIdBefore)
      index.setState({ clean: false, bootId })
      await index.sync()
      await syncDirectory(init.path)
      return store
    } catch (cause) {
      loaded?.index.abandon()
      lock.release()
      throw storageErrorOf(cause, init.path)
    }
  }

  get totalBytes(): number {
    return this.#totalBytes
  }

  get blocksCount(): number {
    return this.#blocks.size
  }

  has(cid: CID): boolean {
    return this.#blocks.has(blockKey(cid))
  }

  frameBytes(cid: CID): number | undefined {
    return this.#blocks.get(blockKey(cid))
  }

  *cids(): Iterable<CID> {
    for (const key of this.#blocks.keys()) yield keyCid(key)
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    const key = blockKey(cid)
    const row = this.#blocks.has(key) ? this.#index.row(key) : undefined
    if (row === undefined) return undefined
    const frame = await this.#files.read(cid, row.bytes)
    if (frame?.byteLength === row.bytes && crc32(frame) === row.checksum) return frame
    if (!this.#blocks.has(key)) return undefined // deleted meanwhile
    await this.#drop(cid, frame === undefined ? 'its file is gone' : 'its content changed')
    if (frame === undefined) return undefined
    throw new StorageError({ code: 'CORRUPT', path: this.#files.pathOf(cid), reason: 'the checksum of its frame differs' })
  }

  async put(cid: CID, frame: Uint8Array): Promise<void> {
    this.#assertOpen()
    await this.#exclusively(blockKey(cid), async (key) => {
      if (this.#blocks.has(key)) return
      await this.#files.write(cid, frame)
      this.#unsynced.add(key)
      this.#add(key, frame.byteLength)
      this.#index.set(key, { bytes: frame.byteLength, checksum: crc32(frame) })
    })
  }

  async delete(cid: CID): Promise<void> {
    this.#assertOpen()
    await this.#exclusively(blockKey(cid), async (key) => {
      if (!this.#blocks.has(key)) return
      this.#remove(key)
      await this.#files.remove(cid)
    })
  }

  flush(): Promise<void> {
    this.#assertOpen()
    return this.#flush()
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    try {
      while (this.#busy.size > 0) await Promise.all(this.#busy.values())
      await this.#flush()
      this.#index.close(this.#bootId)
    } finally {
      this.#index.abandon()
      this.#lock.release()
    }
  }

  /** One barrier at a time; each covers what was put before its call. */
  #flush(): Promise<void> {
    const barrier = this.#barrier.catch(() => undefined).then(() => this.#runBarrier())
    this.#barrier = barrier
    return barrier
  }

  async #runBarrier(): Promise<void> {
    const written = [...this.#unsynced]
    this.#unsynced = new Set()
    const failures: unknown[] = []
    try {
      await forEachBounded(written, SYNC_CONCURRENCY, async (key) => {
        try {
          await this.#files.sync(keyCid(key))
        } catch (cause) {
          // The kernel reports a failed write-back once and forgets the data: nobody can tell what the disk holds now.
          failures.push(cause)
          await this.#drop(keyCid(key), 'the disk did not take it')
        }
      })
      if (written.length > 0) await this.#files.syncShards(written.map(keyCid))
      await this.#index.sync()
    } catch (cause) {
      for (const key of written) if (this.#blocks.has(key)) this.#unsynced.add(key)
      throw cause
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Takes a damaged block out of the store. */
  async #drop(cid: CID, reason: string): Promise<void> {
    this.#log.warn('block-dropped', { path: this.#files.pathOf(cid), reason })
    await this.#exclusively(blockKey(cid), async (key) => {
      this.#remove(key)
      await this.#files.remove(cid)
    })
  }

  #add(key: BlockKey, bytes: number): void {
    this.#blocks.set(key, bytes)
    this.#totalBytes += bytes
  }

  #remove(key: BlockKey): void {
    this.#totalBytes -= this.#blocks.get(key) ?? 0
    this.#blocks.delete(key)
    this.#unsynced.delete(key)
    this.#index.delete(key)
  }

  async #exclusively(key: BlockKey, work: (key: BlockKey) => Promise<void>): Promise<void> {
    for (let busy = this.#busy.get(key); busy !== undefined; busy = this.#busy.get(key)) await busy
    const done = work(key)
    this.#busy.set(
      key,
      done.catch(() => undefined),
    )
    try {
      await done
    } finally {
      this.#busy.delete(key)
    }
  }

  #assertOpen(): void {
    assert(this.#closing === undefined, 'the block store is open')
  }

  /**
   * Makes the index say what the directory holds after a run that did not close the store.
   * `rebooted`: files may have lost their tail, so sizes are compared too; content is checked by {@link get} in either case.
   */
  async #reconcile(rebooted: boolean): Promise<void> {
    const missing = new Set(this.#blocks.keys())
    let [adoptedCount, refusedCount, temporaryCount] = [0, 0, 0]
    for await (const { cids, removedCount } of this.#files.scan()) {
      temporaryCount += removedCount
      await forEachBounded(cids, SCAN_CONCURRENCY, async (cid) => {
        const key = blockKey(cid)
        const bytes = this.#blocks.get(key)
        if (bytes === undefined) {
          if (await this.#adopt(cid)) adoptedCount++
          else refusedCount++
        } else if (!rebooted || (await this.#files.bytes(cid)) === bytes) {
          missing.delete(key)
        }
      })
    }
    for (const key of missing) {
      this.#remove(key)
      await this.#files.remove(keyCid(key))
    }
    this.#log.info('block-store-reconciled', { rebooted, adoptedCount, refusedCount, temporaryCount, missingCount: missing.size })
  }

  /** Takes a file that no row mentions, if it is the block that it is named after; removes it otherwise. */
  async #adopt(cid: CID): Promise<boolean> {
    const bytes = await this.#files.bytes(cid)
    const plainBytesMax = isPageCid(cid) ? PAGE_BYTES_MAX : CHUNK_BYTES_MAX
    const frame = bytes === undefined || bytes > plainBytesMax + 1 ? undefined : await this.#files.read(cid, bytes)
    if (frame === undefined || !isFrameOf(cid, frame, plainBytesMax)) {
      await this.#files.remove(cid)
      return false
    }
    const key = blockKey(cid)
    this.#unsynced.add(key)
    this.#add(key, frame.byteLength)
    this.#index.set(key, { bytes: frame.byteLength, checksum: crc32(frame) })
    return true
  }
}

function isFrameOf(cid: CID, frame: Uint8Array, plainBytesMax: number): boolean {
  try {
    return verifyBlock(cid, decodeFrame(frame, plainBytesMax))
  } catch {
    return false // a torn frame
  }
}

interface LoadedIndex {
  readonly index: BlockIndex
  /** Bytes of every frame that it lists. */
  readonly blocks: Map<BlockKey, number>
}

/** The index can be made again from the files, so a damaged one is: every file is then verified as if it were new. */
async function loadIndex(init: FsBlockStoreInit, log: Log): Promise<LoadedIndex> {
  const path = join(init.path, 'index.sqlite')
  try {
    return load(path, init, log)
  } catch (error) {
    if (!(error instanceof StorageError) || error.fault.code !== 'CORRUPT') throw error
    log.warn('block-index-rebuilt', { path, reason: error.fault.reason })
    for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
    return load(path, init, log)
  }
}

function load(path: string, { clock = systemClock }: FsBlockStoreInit, log: Log): LoadedIndex {
  const index = new BlockIndex(path, clock, (error) => log.warn('block-index-commit-failed', { reason: error.message }))
  try {
    return { index, blocks: index.load() }
  } catch (cause) {
    index.abandon()
    throw cause
  }
}
