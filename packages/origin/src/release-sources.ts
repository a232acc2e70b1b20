import { type CID, isPageCid } from '@cairn/protocol'
import { type BlockSource, ReferenceSource } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm/stored-manifest'

/** Serves a workspace: its block store, and the published directories that stand in for chunks that were not copied. */
export class WorkspaceSource implements BlockSource {
  readonly #blocks: BlockSource
  readonly #references = new Map<string, ReferenceSource>()
  readonly #onChanged: (path: string) => void

  constructor(blocks: BlockSource, onChanged: (path: string) => void) {
    this.#blocks = blocks
    this.#onChanged = onChanged
  }

  /** Serves the chunks of `snapshot` from `directory` too. */
  async addReference(snapshot: CID, directory: string): Promise<void> {
    const key = snapshot.toString()
    if (this.#references.has(key)) return
    const index = await loadManifest(snapshot, this.#blocks)
    this.#references.set(key, new ReferenceSource({ root: directory, index, pages: this.#blocks, onChanged: this.#onChanged }))
  }

  has(cid: CID): boolean {
    return this.#blocks.has(cid) || [...this.#references.values()].some((reference) => reference.has(cid))
  }

  async get(cid: CID): Promise<Uint8Array | undefined> {
    if (this.#blocks.has(cid) || isPageCid(cid)) return this.#blocks.get(cid)
    let failure: { readonly error: unknown } | undefined
    for (const reference of this.#references.values()) {
      if (!reference.has(cid)) continue
      try {
        const frame = await reference.get(cid)
        if (frame !== undefined) return frame
      } catch (error) {
        failure ??= { error } // another published directory may hold the chunk as it was
      }
    }
    if (failure !== undefined) throw failure.error
    return undefined
  }
}
