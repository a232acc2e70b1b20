import type { CID } from '@cairn/protocol'
import { type BlockStore, MemoryBlockStore } from '@cairn/storage'

/**
 * What a store holds, and in memory what is put beside it: the manifest pages of snapshots that there may turn out to be no room for.
 * Memory is that of the pages put, about 40 bytes a chunk; their index takes twice that anyway.
 */
export class PageOverlay extends MemoryBlockStore {
  readonly #store: BlockStore

  constructor(store: BlockStore) {
    super()
    this.#store = store
  }

  override has(cid: CID): boolean {
    return super.has(cid) || this.#store.has(cid)
  }

  override async get(cid: CID): Promise<Uint8Array | undefined> {
    return (await super.get(cid)) ?? this.#store.get(cid)
  }

  override frameBytes(cid: CID): number | undefined {
    return super.frameBytes(cid) ?? this.#store.frameBytes(cid)
  }
}
