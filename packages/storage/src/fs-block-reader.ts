import { join } from 'node:path'
import type { CID } from '@cairn/protocol'
import { type Clock, systemClock } from '@cairn/runtime'
import { BlockFiles } from './block-files.ts'
import { BlockIndex } from './block-index.ts'
import { type BlockKey, blockKey } from './block-key.ts'
import type { BlockSource } from './block-store.ts'
import { StorageError } from './errors.ts'
import { isIntact } from './fs-block-store.ts'
import { PackFiles } from './pack-files.ts'

/**
 * Reads a {@link FsBlockStore} that another process may be writing: a running origin, while the next snapshot is published.
 *
 * Takes no lock and changes no block; where there is no index yet it makes an empty one. A block is seen once its row is committed, which the writer's `flush` has done.
 */
export class FsBlockReader implements BlockSource, AsyncDisposable {
  readonly #files: BlockFiles
  readonly #packs: PackFiles
  readonly #index: BlockIndex
  /** Blocks seen; they are asked of the index once. */
  readonly #seen = new Set<BlockKey>()

  /** @throws {StorageError} `UNSUPPORTED_VERSION`, `CORRUPT`, `IO_FAILED` */
  constructor(path: string, clock: Clock = systemClock) {
    this.#files = new BlockFiles(join(path, 'data'))
    this.#packs = new PackFiles(join(path, 'packs'))
    this.#index = new BlockIndex(join(path, 'index.sqlite'), clock, () => {})
  }

  has(cid: CID): boolean {
    const key = blockKey(cid)
    if (this.#seen.has(key)) return true
    const isThere = this.#index.row(key) !== undefined
    if (isThere) this.#seen.add(key)
    return isThere
  }

  /** @throws {StorageError} `CORRUPT` when the frame is not what was written; `IO_FAILED` */
  async get(cid: CID): Promise<Uint8Array | undefined> {
    const key = blockKey(cid)
    const row = this.#index.row(key)
    const frame = row && (await (row.packed === undefined ? this.#files.read(cid, row.bytes) : this.#packs.read(row.packed, row.bytes)))
    if (row === undefined || frame === undefined) {
      this.#seen.delete(key)
      // The writer removes: a pack that is gone must not stay on the disk because it is open here.
      await this.#packs.close()
      return undefined
    }
    if (isIntact(frame, row)) return frame
    const path = row.packed === undefined ? this.#files.pathOf(cid) : this.#packs.pathOf(row.packed.pack)
    throw new StorageError({ code: 'CORRUPT', path, reason: 'the checksum of its frame differs' })
  }

  async close(): Promise<void> {
    this.#index.abandon()
    await this.#packs.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
