import { Bitmap, type SnapshotIndex } from '@cairn/protocol'
import type { BlockStore, SnapshotSink } from '@cairn/storage'
import { type Unpack, unpackInline } from './unpack.ts'

/** Delivers a snapshot into a block store, frames as they came: what a cache does. */
export class BlockStoreSink implements SnapshotSink {
  readonly have: Bitmap
  readonly #index: SnapshotIndex
  readonly #store: BlockStore
  readonly #unpack: Unpack

  /** What the store already holds is not fetched again, whichever snapshot it came with. */
  constructor(index: SnapshotIndex, store: BlockStore, unpack: Unpack = unpackInline) {
    this.#index = index
    this.#store = store
    this.#unpack = unpack
    this.have = new Bitmap(index.chunksCount)
    for (let chunk = 0; chunk < index.chunksCount; chunk++) if (store.has(index.chunkCid(chunk))) this.have.set(chunk)
  }

  async deliver(chunk: number, frame: Uint8Array): Promise<void> {
    const cid = this.#index.chunkCid(chunk)
    await this.#unpack(cid, frame, this.#index.chunkBytes(chunk))
    await this.#store.put(cid, frame)
    this.have.set(chunk)
  }
}
