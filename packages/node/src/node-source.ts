import type { CID } from '@cairn/protocol'
import type { BlockSource } from '@cairn/storage'

/** What a node serves: manifest pages from the start, chunks of every snapshot that it has or is fetching. */
export class NodeSource implements BlockSource {
  readonly #pages: BlockSource
  /** By the snapshot's name, in the order in which they came. */
  readonly #snapshots = new Map<string, BlockSource>()

  constructor(pages: BlockSource) {
    this.#pages = pages
  }

  /** Serves the chunks of `snapshot` from `chunks`, instead of where they came from before. */
  serve(snapshot: CID, chunks: BlockSource): void {
    this.#snapshots.set(snapshot.toString(), chunks)
  }

  withdraw(snapshot: CID): void {
    this.#snapshots.delete(snapshot.toString())
  }

  has(cid: CID): boolean {
    if (this.#pages.has(cid)) return true
    for (const chunks of this.#snapshots.values()) if (chunks.has(cid)) return true
    return false
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    if (this.#pages.has(cid)) return this.#pages.get(cid)
    for (const chunks of this.#snapshots.values()) {
      const frame = chunks.has(cid) ? await chunks.get(cid) : undefined
      if (frame !== undefined) return frame
    }
    return undefined
  }
}
