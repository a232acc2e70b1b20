import type { CID } from '@cairn/protocol'
import { type BlockSource, StorageError } from '@cairn/storage'

/** Serves a store, and notes which blocks are asked for and which of them turn out to be gone or damaged. */
export class MirrorSource implements BlockSource {
  readonly #store: BlockSource
  readonly #onUsed: (cid: CID) => void
  readonly #onLost: (cid: CID) => void

  constructor(store: BlockSource, hooks: { readonly onUsed: (cid: CID) => void; readonly onLost: (cid: CID) => void }) {
    this.#store = store
    this.#onUsed = hooks.onUsed
    this.#onLost = hooks.onLost
  }

  has(cid: CID): boolean {
    return this.#store.has(cid)
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    // What never was here is not lost: peers may ask for anything.
    if (!this.#store.has(cid)) return undefined
    this.#onUsed(cid)
    try {
      const frame = await this.#store.get(cid)
      if (frame === undefined) this.#onLost(cid)
      return frame
    } catch (error) {
      if (error instanceof StorageError && error.fault.code === 'CORRUPT') this.#onLost(cid)
      throw error
    }
  }
}
