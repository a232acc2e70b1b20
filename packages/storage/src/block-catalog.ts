import type { BlockIndex, BlockRow, IndexedBlocks } from './block-index.ts'
import type { BlockKey } from './block-key.ts'

/** What a barrier has to bring to the disk. */
export interface Unsynced {
  /** Blocks whose frames are files of their own. */
  readonly files: Set<BlockKey>
  readonly packs: Set<number>
}

/**
 * Which frames a block store holds: about 90 bytes a block in memory, so that `has` is synchronous, and all of it in the index.
 *
 * Knows as well what was written since the last barrier began.
 */
export class BlockCatalog {
  readonly #index: BlockIndex
  /** Bytes of every frame held. */
  readonly #sizes: Map<BlockKey, number>
  /** Bytes of the frames in each pack. */
  readonly #packs: Map<number, number>
  #unsynced: Unsynced = { files: new Set(), packs: new Set() }
  #totalBytes = 0

  constructor(index: BlockIndex, { sizes, packs }: IndexedBlocks) {
    this.#index = index
    this.#sizes = sizes
    this.#packs = packs
    for (const bytes of sizes.values()) this.#totalBytes += bytes
  }

  get totalBytes(): number {
    return this.#totalBytes
  }

  get blocksCount(): number {
    return this.#sizes.size
  }

  has(key: BlockKey): boolean {
    return this.#sizes.has(key)
  }

  frameBytes(key: BlockKey): number | undefined {
    return this.#sizes.get(key)
  }

  row(key: BlockKey): BlockRow | undefined {
    return this.#sizes.has(key) ? this.#index.row(key) : undefined
  }

  keys(): MapIterator<BlockKey> {
    return this.#sizes.keys()
  }

  /** Every pack with a frame in it. */
  packs(): MapIterator<number> {
    return this.#packs.keys()
  }

  /** Bytes of the frames that are held in `pack`. */
  packedBytes(pack: number): number {
    return this.#packs.get(pack) ?? 0
  }

  /** Takes note of a frame that was just written, in the place of another where there is one. */
  add(key: BlockKey, row: BlockRow): void {
    this.remove(key)
    this.#sizes.set(key, row.bytes)
    this.#totalBytes += row.bytes
    if (row.packed === undefined) this.#unsynced.files.add(key)
    else {
      const { pack } = row.packed
      this.#packs.set(pack, this.packedBytes(pack) + row.bytes)
      this.#unsynced.packs.add(pack)
    }
    this.#index.set(key, row)
  }

  /** Forgets a frame; `undefined` if it was not held. */
  remove(key: BlockKey): BlockRow | undefined {
    const row = this.row(key)
    if (row === undefined) return undefined
    this.#sizes.delete(key)
    this.#totalBytes -= row.bytes
    this.#unsynced.files.delete(key)
    if (row.packed !== undefined) this.#takeFromPack(row.packed.pack, row.bytes)
    this.#index.delete(key)
    return row
  }

  /** Begins a barrier: hands over what was written so far. */
  takeUnsynced(): Unsynced {
    const unsynced = this.#unsynced
    this.#unsynced = { files: new Set(), packs: new Set() }
    return unsynced
  }

  /** Ends a barrier that failed: what it had taken is as before. */
  returnUnsynced({ files, packs }: Unsynced): void {
    for (const key of files) if (this.#sizes.has(key)) this.#unsynced.files.add(key)
    for (const pack of packs) if (this.#packs.has(pack)) this.#unsynced.packs.add(pack)
  }

  #takeFromPack(pack: number, bytes: number): void {
    const left = this.packedBytes(pack) - bytes
    if (left > 0) this.#packs.set(pack, left)
    else this.#packs.delete(pack)
  }
}
