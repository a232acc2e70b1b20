import type { CID } from '@cairn/protocol'
import type { BlockStore } from '@cairn/storage'
import { CacheError } from './errors.ts'

/**
 * A store that never grows above its capacity: a block that would be too much is refused before it is written.
 * Planning keeps this from happening; this is what makes the bound hard.
 */
export class BoundedStore implements BlockStore {
  readonly capacityBytes: number
  readonly #store: BlockStore
  /** Being written: some of them the store counts already. */
  readonly #pending = new Set<{ readonly cid: CID; readonly bytes: number }>()

  constructor(store: BlockStore, capacityBytes: number) {
    this.#store = store
    this.capacityBytes = capacityBytes
  }

  get totalBytes(): number {
    return this.#store.totalBytes
  }

  get blocksCount(): number {
    return this.#store.blocksCount
  }

  has(cid: CID): boolean {
    return this.#store.has(cid)
  }

  get(cid: CID): Promise<Uint8Array | undefined> {
    return this.#store.get(cid)
  }

  /** @throws {CacheError} `OVER_CAPACITY` */
  async put(cid: CID, frame: Uint8Array): Promise<void> {
    if (this.has(cid)) return
    let bytes = this.totalBytes + frame.byteLength
    for (const pending of this.#pending) if (!this.has(pending.cid)) bytes += pending.bytes
    if (bytes > this.capacityBytes) throw new CacheError({ code: 'OVER_CAPACITY', bytes, capacityBytes: this.capacityBytes })
    const pending = { cid, bytes: frame.byteLength }
    this.#pending.add(pending)
    try {
      await this.#store.put(cid, frame)
    } finally {
      this.#pending.delete(pending)
    }
  }

  delete(cid: CID): Promise<void> {
    return this.#store.delete(cid)
  }

  frameBytes(cid: CID): number | undefined {
    return this.#store.frameBytes(cid)
  }

  cids(): Iterable<CID> {
    return this.#store.cids()
  }

  flush(): Promise<void> {
    return this.#store.flush()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
