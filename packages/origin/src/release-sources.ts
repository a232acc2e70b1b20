import { type CID, decodeFrame, decodeRoot, isPageCid, ManifestLoader, PAGE_BYTES_MAX, type SnapshotIndex } from '@cairn/protocol'
import { type BlockSource, ReferenceSource, StorageError } from '@cairn/storage'

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
    const index = await loadIndex(snapshot, this.#blocks)
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

/**
 * The manifest of `snapshot` out of a store that holds all of its pages.
 *
 * @throws {StorageError} `CORRUPT` when a page is missing
 */
export async function loadIndex(snapshot: CID, pages: BlockSource): Promise<SnapshotIndex> {
  const loader = new ManifestLoader(decodeRoot(await readPage(snapshot, pages)), snapshot)
  while (!loader.done) for (const cid of loader.wanted()) loader.add(cid, await readPage(cid, pages))
  return loader.index()
}

async function readPage(cid: CID, pages: BlockSource): Promise<Uint8Array> {
  const frame = await pages.get(cid)
  if (frame === undefined)
    throw new StorageError({ code: 'CORRUPT', path: cid.toString(), reason: 'this manifest page is not in the store' })
  return decodeFrame(frame, PAGE_BYTES_MAX)
}
