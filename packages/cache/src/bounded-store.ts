import type { CID } from '@cairn/protocol'
import type { BlockStore } from '@cairn/storage'
import { CacheError } from './errors.ts'

/** What else is kept within a capacity. */
export interface Beside {
  readonly totalBytes: number
  /** Shrinks to at most `bytesMax`. */
  makeRoom(bytesMax: number): Promise<void>
}

const NOTHING_BESIDE: Beside = { totalBytes: 0, makeRoom: async () => undefined }

/**
 * A store that never grows above its capacity: a block that would be too much is refused before it is written.
 * Planning keeps this from happening; this is what makes the bound hard.
 */
export class BoundedStore implements BlockStore {
  readonly capacityBytes: number
  readonly #store: BlockStore
  readonly #beside: Beside
  /** Being written: some of them the store counts already. */
  readonly #pending = new Set<{ readonly cid: CID; readonly bytes: number }>()

  /** `beside` takes room too, and gives way. */
  constructor(store: BlockStore, capacityBytes: number, beside: Beside = NOTHING_BESIDE) {
    this.#store = store
    this.#beside = beside
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
    if (bytes + this.#beside.totalBytes > this.capacityBytes) await this.#beside.makeRoom(Math.max(0, this.capacityBytes - bytes))
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
