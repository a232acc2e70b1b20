import { Bitmap, type SnapshotIndex } from '@cairn/protocol'
import { type BlockStore, LocalPlacer, type Placer, type SnapshotSink } from '@cairn/storage'

/** Delivers a snapshot into a block store, frames as they came: what a cache does. */
export class BlockStoreSink implements SnapshotSink {
  readonly have: Bitmap
  readonly #index: SnapshotIndex
  readonly #store: BlockStore
  readonly #placer: Placer

  /** What the store already holds is not fetched again, whichever snapshot it came with. `placer` checks the frames, and places nothing. */
  constructor(index: SnapshotIndex, store: BlockStore, placer: Placer = new LocalPlacer()) {
    this.#index = index
    this.#store = store
    this.#placer = placer
    this.have = new Bitmap(index.chunksCount)
    for (let chunk = 0; chunk < index.chunksCount; chunk++) if (store.has(index.chunkCid(chunk))) this.have.set(chunk)
  }

  async deliver(chunk: number, frame: Uint8Array): Promise<void> {
    const index = this.#index
    await this.#placer.place({ frame, digest: index.chunkDigest(chunk), plainBytes: index.chunkBytes(chunk), places: [] })
    await this.#store.put(index.chunkCid(chunk), frame)
    this.have.set(chunk)
  }
}
