import { type CID, decodeFrame, decodeRoot, ManifestLoader, PAGE_BYTES_MAX, type SnapshotIndex } from '@cairn/protocol'
import { type BlockSource, StorageError } from '@cairn/storage'

/**
 * The manifest of `snapshot` out of `pages` alone, so that a cache knows what it has with no network at all; `undefined` where a page
 * is missing or damaged. The store checks what it reads, so nothing is hashed again.
 */
export async function loadStoredManifest(snapshot: CID, pages: BlockSource): Promise<SnapshotIndex | undefined> {
  const root = await readPage(snapshot, pages)
  if (root === undefined) return undefined
  const loader = new ManifestLoader(decodeRoot(root), snapshot)
  while (!loader.done) {
    for (const cid of loader.wanted()) {
      const page = await readPage(cid, pages)
      if (page === undefined) return undefined
      loader.add(cid, page)
    }
  }
  return loader.index()
}

async function readPage(cid: CID, pages: BlockSource): Promise<Uint8Array | undefined> {
  try {
    const frame = await pages.get(cid)
    return frame && decodeFrame(frame, PAGE_BYTES_MAX)
  } catch (error) {
    if (error instanceof StorageError && error.fault.code === 'CORRUPT') return undefined
    throw error
  }
}
