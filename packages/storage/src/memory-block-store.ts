import type { CID } from '@cairn/protocol'
import { type BlockKey, blockKey, keyCid } from './block-key.ts'
import type { BlockStore } from './block-store.ts'

/** The {@link BlockStore} of tests and simulations: as {@link FsBlockStore}, without a disk. */
export class MemoryBlockStore implements BlockStore {
  readonly #frames = new Map<BlockKey, Uint8Array>()
  #totalBytes = 0

  get totalBytes(): number {
    return this.#totalBytes
  }

  get blocksCount(): number {
    return this.#frames.size
  }

  has(cid: CID): boolean {
    return this.#frames.has(blockKey(cid))
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    return this.#frames.get(blockKey(cid))
  }

  async put(cid: CID, frame: Uint8Array): Promise<void> {
    const key = blockKey(cid)
    if (this.#frames.has(key)) return
    // A copy, because frames are often views of a larger network buffer, which would live as long.
    this.#frames.set(key, new Uint8Array(frame))
    this.#totalBytes += frame.byteLength
  }

  async delete(cid: CID): Promise<void> {
    const key = blockKey(cid)
    this.#totalBytes -= this.#frames.get(key)?.byteLength ?? 0
    this.#frames.delete(key)
  }

  frameBytes(cid: CID): number | undefined {
    return this.#frames.get(blockKey(cid))?.byteLength
  }

  *cids(): Iterable<CID> {
    for (const key of this.#frames.keys()) yield keyCid(key)
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
