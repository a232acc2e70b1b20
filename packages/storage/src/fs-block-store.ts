import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import type { CID } from '@cairn/protocol'
import { type Clock, type Log, silentLog, systemClock } from '@cairn/runtime'
import type { Blockstore } from 'interface-blockstore'
import type { BlockCatalog } from './block-catalog.ts'
import { BlockFiles } from './block-files.ts'
import type { BlockIndex, BlockRow } from './block-index.ts'
import { type BlockKey, blockKey, keyCid, keyOfBytes } from './block-key.ts'
import type { BlockStore } from './block-store.ts'
import { readBootId } from './boot-id.ts'
import { forEachBounded } from './bounded.ts'
import { DirectoryLock } from './directory-lock.ts'
import { syncDirectory } from './durable-file.ts'
import { StorageError } from './errors.ts'
import { storageErrorOf } from './io-error.ts'
import { loadCatalog } from './load-catalog.ts'
import { PackFiles } from './pack-files.ts'
import type { PackedFrame } from './pack-format.ts'
import { reconcile } from './reconcile.ts'

/** Files synced at a time. libuv has 4 threads for all file work: two are left for reads while a barrier runs. */
const SYNC_CONCURRENCY = 2

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

/** A pack that another thread fills. */
export interface OpenPack {
  readonly pack: number
  /** Where its `PackWriter` creates it. */
  readonly path: string
}

/**
 * A {@link BlockStore} on a file system: `lock`, `index.sqlite`, `data/<shard>/<cid>.frame` and `packs/<number>.pack`.
 *
 * - Single blocks become files of their own, which costs the making of a file and a sync for each. What comes in bulk is written into
 *   packs, by threads of the caller: {@link createPack}, {@link takePacked}, {@link sealPack}.
 * - A file is complete whenever it has its name, and a frame is written before the row that mentions it.
 * - The index is in memory as well, about 90 bytes a block: `has` is synchronous.
 * - Every read is checked against the frame's CRC-32, so that a damaged disk, or a power cut before {@link flush}, costs the block
 *   and not the reputation of the peer that serves it.
 */
export class FsBlockStore implements BlockStore {
  readonly #files: BlockFiles
  readonly #packs: PackFiles
  readonly #index: BlockIndex
  readonly #catalog: BlockCatalog
  readonly #lock: DirectoryLock
  readonly #log: Log
  readonly #bootId: string | undefined
  /** Blocks that are being written or deleted; never rejects. One at a time per CID. */
  readonly #busy = new Map<BlockKey, Promise<void>>()
  /** Packs that are being filled, and where what we were told of ends. */
  readonly #openPacks = new Map<number, number>()
  /** Packs that are on their way to the disk since they were sealed. */
  readonly #sealing = new Map<number, Promise<void>>()
  #nextPack: number
  #barrier: Promise<void> = Promise.resolve()
  /** Ends when no pack is being dissolved; never rejects. */
  #tidying: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  private constructor(parts: StoreParts) {
    this.#files = parts.files
    this.#packs = parts.packs
    this.#index = parts.index
    this.#catalog = parts.catalog
    this.#lock = parts.lock
    this.#log = parts.log
    this.#bootId = parts.bootId
    this.#nextPack = parts.nextPack
  }

  /** @see openFsBlockStore */
  static async open(init: FsBlockStoreInit): Promise<FsBlockStore> {
    const log = init.log ?? silentLog
    await mkdir(init.path, { recursive: true }).catch((cause: unknown) => {
      throw storageErrorOf(cause, init.path)
    })
    const lock = DirectoryLock.acquire(init.path)
    let index: BlockIndex | undefined
    try {
      const loaded = await loadCatalog(init.path, init.clock ?? systemClock, log)
      index = loaded.index
      const { catalog } = loaded
      const files = new BlockFiles(join(init.path, 'data'), init.blocks)
      const packs = new PackFiles(join(init.path, 'packs'))
      const bootId = await readBootId()
      const { clean, bootId: bootIdBefore } = index.state
      if (!clean) await reconcile({ catalog, index, files, packs, log }, bootId !== bootIdBefore)
      const nextPack = await removeDeadPacks(packs, catalog)
      index.setState({ clean: false, bootId })
      await index.sync()
      await syncDirectory(init.path)
      return new FsBlockStore({ files, packs, index, catalog, lock, log, bootId, nextPack })
    } catch (cause) {
      index?.abandon()
      lock.release()
      throw storageErrorOf(cause, init.path)
    }
  }

  get totalBytes(): number {
    return this.#catalog.totalBytes
  }

  get blocksCount(): number {
    return this.#catalog.blocksCount
  }

  has(cid: CID): boolean {
    return this.#catalog.has(blockKey(cid))
  }

  frameBytes(cid: CID): number | undefined {
    return this.#catalog.frameBytes(blockKey(cid))
  }

  *cids(): Iterable<CID> {
    for (const key of this.#catalog.keys()) yield keyCid(key)
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    this.#assertOpen()
    const key = blockKey(cid)
    for (let row = this.#catalog.row(key); row !== undefined;) {
      const frame = await this.#read(cid, row)
      if (frame !== undefined && isIntact(frame, row)) return frame
      const now = this.#catalog.row(key)
      if (now !== undefined && isSamePlace(row, now)) {
        await this.#drop(cid, frame === undefined ? 'its file is gone' : 'its content changed')
        if (frame === undefined) return undefined
        throw new StorageError({ code: 'CORRUPT', path: this.#pathOf(cid, row), reason: 'the checksum of its frame differs' })
      }
      row = now // deleted or moved meanwhile
    }
    return undefined
  }

  async put(cid: CID, frame: Uint8Array): Promise<void> {
    this.#assertOpen()
    await this.#exclusively(blockKey(cid), async (key) => {
      if (this.#catalog.has(key)) return
      await this.#files.write(cid, frame)
      this.#catalog.add(key, { bytes: frame.byteLength, checksum: crc32(frame) })
    })
  }

  async delete(cid: CID): Promise<void> {
    this.#assertOpen()
    let packed: BlockRow['packed']
    await this.#exclusively(blockKey(cid), async (key) => {
      packed = (await this.#forget(cid, key))?.packed
    })
    if (packed !== undefined) await this.#tidy(packed.pack)
  }

  /**
   * Begins a pack, for a `PackWriter` of one thread.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  async createPack(): Promise<OpenPack> {
    this.#assertOpen()
    const pack = this.#nextPack++
    await this.#packs.create()
    this.#openPacks.set(pack, 0)
    return { pack, path: this.#packs.pathOf(pack) }
  }

  /**
   * Takes frames that the pack's writer has appended, in their order: they are held from now on, and durable after the next {@link flush}.
   * One that is held already stays where it is. Returns the bytes that the store grew by.
   */
  takePacked(pack: number, frames: readonly PackedFrame[]): number {
    this.#assertOpen()
    const before = this.totalBytes
    for (const { cid, start, bytes, checksum } of frames) {
      const key = keyOfBytes(cid)
      if (!this.#catalog.has(key)) this.#catalog.add(key, { bytes, checksum, packed: { pack, start } })
      this.#openPacks.set(pack, start + bytes)
    }
    return this.totalBytes - before
  }

  /** Ends a pack: its writer has stopped, and it goes to the disk while others are filled. {@link flush} says how that went. */
  sealPack(pack: number): void {
    const end = this.#openPacks.get(pack)
    if (end === undefined) return
    this.#openPacks.delete(pack)
    const sealed = this.#finishPack(pack, end)
    this.#sealing.set(pack, sealed)
    sealed.catch(() => undefined)
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
      await this.#tidying
      while (this.#busy.size > 0) await Promise.all(this.#busy.values())
      for (const pack of this.#openPacks.keys()) this.sealPack(pack)
      await this.#flush()
      this.#index.close(this.#bootId)
    } finally {
      await Promise.allSettled(this.#sealing.values())
      await this.#packs.close()
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
    const unsynced = this.#catalog.takeUnsynced()
    const { files, packs } = unsynced
    const failures: unknown[] = []
    // The kernel reports a failed write-back once and forgets the data: nobody can tell what the disk holds now.
    const refused = async (cause: unknown, keys: readonly BlockKey[]): Promise<void> => {
      failures.push(cause)
      for (const key of keys) await this.#drop(keyCid(key), 'the disk did not take it')
    }
    try {
      await forEachBounded(files, SYNC_CONCURRENCY, async (key) => {
        await this.#files.sync(keyCid(key)).catch((cause: unknown) => refused(cause, [key]))
      })
      if (files.size > 0) await this.#files.syncShards([...files].map(keyCid))
      for (const pack of packs) {
        const keys = (): readonly BlockKey[] => this.#index.packedIn(pack).map(({ key }) => key)
        await (this.#sealing.get(pack) ?? this.#packs.sync(pack)).catch((cause: unknown) => refused(cause, keys()))
      }
      if (packs.size > 0) await this.#packs.syncNames()
      await this.#index.sync()
    } catch (cause) {
      this.#catalog.returnUnsynced(unsynced)
      throw cause
    }
    for (const pack of packs) this.#sealing.delete(pack)
    if (failures.length > 0) throw failures[0]
  }

  /** Cuts off what the store was not told of, and brings the rest to the disk. */
  async #finishPack(pack: number, end: number): Promise<void> {
    if (this.#catalog.packedBytes(pack) === 0) return await this.#packs.remove(pack)
    if (((await this.#packs.bytes(pack)) ?? end) > end) await this.#packs.cut(pack, end)
    await this.#packs.sync(pack)
  }

  /** Frees the room of a pack that is mostly dead. Never rejects: at worst the pack stays, and the next deletion tries again. */
  async #tidy(pack: number): Promise<void> {
    this.#tidying = this.#tidying
      .then(() => this.#dissolve(pack))
      .catch((error: unknown) => this.#log.warn('pack-not-dissolved', { path: this.#packs.pathOf(pack), reason: String(error) }))
    await this.#tidying
  }

  /** Once less than half of a pack is held, what is held becomes files: a store takes at most twice the bytes of its frames. */
  async #dissolve(pack: number): Promise<void> {
    if (this.#openPacks.has(pack)) return
    const bytes = await this.#packs.bytes(pack)
    if (bytes === undefined || this.#catalog.packedBytes(pack) * 2 >= bytes) return
    const held = this.#index.packedIn(pack)
    for (const { key } of held) await this.#exclusively(key, () => this.#unpack(key, pack))
    // The copies are on the disk before the original goes.
    if (held.length > 0) await this.#flush()
    await this.#packs.remove(pack)
  }

  async #unpack(key: BlockKey, pack: number): Promise<void> {
    const row = this.#catalog.row(key)
    if (row?.packed?.pack !== pack) return // deleted meanwhile
    const frame = await this.#packs.read(row.packed, row.bytes)
    if (frame === undefined || !isIntact(frame, row)) {
      this.#catalog.remove(key)
      return
    }
    await this.#files.write(keyCid(key), frame)
    this.#catalog.add(key, { bytes: row.bytes, checksum: row.checksum })
  }

  /** Takes a damaged block out of the store. */
  async #drop(cid: CID, reason: string): Promise<void> {
    await this.#exclusively(blockKey(cid), async (key) => {
      const row = await this.#forget(cid, key)
      if (row !== undefined) this.#log.warn('block-dropped', { path: this.#pathOf(cid, row), reason })
    })
  }

  async #forget(cid: CID, key: BlockKey): Promise<BlockRow | undefined> {
    const row = this.#catalog.remove(key)
    if (row !== undefined && row.packed === undefined) await this.#files.remove(cid)
    return row
  }

  async #read(cid: CID, row: BlockRow): Promise<Uint8Array | undefined> {
    return await (row.packed === undefined ? this.#files.read(cid, row.bytes) : this.#packs.read(row.packed, row.bytes))
  }

  #pathOf(cid: CID, row: BlockRow): string {
    return row.packed === undefined ? this.#files.pathOf(cid) : this.#packs.pathOf(row.packed.pack)
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
}

interface StoreParts {
  readonly files: BlockFiles
  readonly packs: PackFiles
  readonly index: BlockIndex
  readonly catalog: BlockCatalog
  readonly lock: DirectoryLock
  readonly log: Log
  readonly bootId: string | undefined
  readonly nextPack: number
}

/** Whether the bytes that were read are the ones that were written. */
export function isIntact(frame: Uint8Array, row: BlockRow): boolean {
  return frame.byteLength === row.bytes && crc32(frame) === row.checksum
}

function isSamePlace({ packed: a }: BlockRow, { packed: b }: BlockRow): boolean {
  return a?.pack === b?.pack && a?.start === b?.start
}

/** Removes packs that hold nothing; returns the first number that no pack has had. */
async function removeDeadPacks(packs: PackFiles, catalog: BlockCatalog): Promise<number> {
  const found = await packs.list()
  for (const pack of found) if (catalog.packedBytes(pack) === 0) await packs.remove(pack)
  let last = found.at(-1) ?? 0
  for (const pack of catalog.packs()) last = Math.max(last, pack)
  return last + 1
}
