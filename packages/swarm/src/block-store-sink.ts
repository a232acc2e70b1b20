import { Bitmap, type SnapshotIndex } from '@cairn/protocol'
import type { BlockStore, SnapshotSink } from '@cairn/storage'

/** Delivers a snapshot into a block store, frames as they came: what a cache does. */
export class BlockStoreSink implements SnapshotSink {
  readonly have: Bitmap
  readonly #index: SnapshotIndex
  readonly #store: BlockStore

  /** What the store already holds is not fetched again, whichever snapshot it came with. */
  constructor(index: SnapshotIndex, store: BlockStore) {
    this.#index = index
    this.#store = store
    this.have = new Bitmap(index.chunksCount)
    for (let chunk = 0; chunk < index.chunksCount; chunk++) if (store.has(index.chunkCid(chunk))) this.have.set(chunk)
  }

  async deliver(chunk: number, frame: Uint8Array): Promise<void> {
    await this.#store.put(this.#index.chunkCid(chunk), frame)
    this.have.set(chunk)
  }
}
