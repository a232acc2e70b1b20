import { join } from 'node:path'
import { type CID, isPageCid, plainFrame, type SnapshotIndex } from '@cairn/protocol'
import type { BlockSource } from './block-store.ts'
import { StorageError } from './errors.ts'
import { lstatIfExists } from './place/target-tree.ts'
import { readRange } from './read-range.ts'
import { isChunk } from './verify-directory.ts'

export interface ReferenceSourceInit {
  /** The directory that was published. */
  readonly root: string
  readonly index: SnapshotIndex
  /** Holds the manifest's pages: they are nowhere in the directory. */
  readonly pages: BlockSource
  /** Hears once of every file found changed; `path` is relative to `root`. */
  readonly onChanged?: (path: string) => void
}

/**
 * Serves a snapshot from the very directory that it was published from, without a copy.
 *
 * Whoever owns that directory may write to it. So every chunk is hashed before it leaves, and a file that is not as published any more
 * is remembered: none of its chunks is offered again unless another file has them too.
 */
export class ReferenceSource implements BlockSource {
  readonly #root: string
  readonly #index: SnapshotIndex
  readonly #pages: BlockSource
  readonly #onChanged: (path: string) => void
  /** Entries of the files that were changed. */
  readonly #changed = new Set<number>()

  constructor(init: ReferenceSourceInit) {
    this.#root = init.root
    this.#index = init.index
    this.#pages = init.pages
    this.#onChanged = init.onChanged ?? (() => undefined)
  }

  /** Files found changed so far, relative to the root. */
  get changed(): readonly string[] {
    return [...this.#changed].map((entry) => this.#index.entries[entry]!.path)
  }

  has(cid: CID): boolean {
    if (isPageCid(cid)) return this.#pages.has(cid)
    const chunk = this.#index.chunkOf(cid)
    if (chunk === undefined) return false
    return this.#changed.size === 0 || this.#index.places(chunk).some(({ entry }) => !this.#changed.has(entry))
  }

  /**
   * The plain frame of a chunk, or what the page store has.
   *
   * @throws {StorageError} `SOURCE_CHANGED` with the path of the first file that should hold the chunk and does not; `IO_FAILED`
   */
  async get(cid: CID): Promise<Uint8Array | undefined> {
    if (isPageCid(cid)) return this.#pages.get(cid)
    const chunk = this.#index.chunkOf(cid)
    if (chunk === undefined) return undefined
    const places = this.#index.places(chunk)
    for (const { entry, offset } of places) {
      if (this.#changed.has(entry)) continue
      const plain = await readRange(this.#pathOf(entry), offset, this.#index.chunkBytes(chunk))
      if (plain !== undefined && isChunk(plain, chunk, this.#index)) return plainFrame(plain)
      this.#markChanged(entry)
    }
    throw new StorageError({ code: 'SOURCE_CHANGED', path: this.#pathOf(places[0]!.entry) })
  }

  /**
   * Compares type and length of every file with what was published, without reading any: cheap enough for every start.
   * Resolves to all files known to be changed.
   *
   * @throws {StorageError} `IO_FAILED`
   */
  async check(): Promise<readonly string[]> {
    for (const [i, entry] of this.#index.entries.entries()) {
      if (entry.type !== 'file') continue
      const stats = await lstatIfExists(this.#pathOf(i))
      if (stats === undefined || !stats.isFile() || stats.size !== entry.bytes) this.#markChanged(i)
    }
    return this.changed
  }

  #pathOf(entry: number): string {
    return join(this.#root, this.#index.entries[entry]!.path)
  }

  #markChanged(entry: number): void {
    if (this.#changed.has(entry)) return
    this.#changed.add(entry)
    this.#onChanged(this.#index.entries[entry]!.path)
  }
}
