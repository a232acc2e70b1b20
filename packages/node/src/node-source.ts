import type { CID } from '@cairn/protocol'
import type { BlockSource } from '@cairn/storage'

/** What a node serves: manifest pages from the start, chunks as soon as there are any. */
export class NodeSource implements BlockSource {
  readonly #pages: BlockSource
  #chunks: BlockSource | undefined

  constructor(pages: BlockSource) {
    this.#pages = pages
  }

  serveChunks(chunks: BlockSource): void {
    this.#chunks = chunks
  }

  has(cid: CID): boolean {
    return this.#pages.has(cid) || this.#chunks?.has(cid) === true
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    return this.#pages.has(cid) ? this.#pages.get(cid) : this.#chunks?.get(cid)
  }
}
