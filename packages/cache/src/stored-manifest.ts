import { type CID, decodeFrame, decodeRoot, ManifestLoader, PAGE_BYTES_MAX, ProtocolError, type SnapshotIndex } from '@cairn/protocol'
import { type BlockSource, StorageError } from '@cairn/storage'

/**
 * The manifest of `snapshot` out of `pages` alone, so that a cache knows what it has with no network at all; `undefined` where a page
 * is missing or damaged. The store checks what it reads, so nothing is hashed again.
 */
export async function loadStoredManifest(snapshot: CID, pages: BlockSource): Promise<SnapshotIndex | undefined> {
  try {
    const loader = new ManifestLoader(decodeRoot(await readPage(snapshot, pages)), snapshot)
    while (!loader.done) for (const cid of loader.wanted()) loader.add(cid, await readPage(cid, pages))
    return loader.index()
  } catch (error) {
    // A manifest that an earlier version accepted and this one refuses is as good as none.
    if (error instanceof ProtocolError) return undefined
    if (error instanceof StorageError && error.fault.code === 'CORRUPT') return undefined
    throw error
  }
}

async function readPage(cid: CID, pages: BlockSource): Promise<Uint8Array> {
  const frame = await pages.get(cid)
  if (frame !== undefined) return decodeFrame(frame, PAGE_BYTES_MAX)
  throw new StorageError({ code: 'CORRUPT', path: cid.toString(), reason: 'this manifest page is not in the store' })
}
