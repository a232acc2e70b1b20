import { type CID, decodeFrame, decodeRoot, ManifestLoader, PAGE_BYTES_MAX, type SnapshotIndex } from '@cairn/protocol'
import { type BlockSource, StorageError } from '@cairn/storage'

/**
 * The manifest of `snapshot` out of `pages` alone, with no network. The store checks what it reads, so nothing is hashed again.
 *
 * @throws {StorageError} `CORRUPT` when a page is missing or damaged
 * @throws {ProtocolError} when the pages break the rules of the tree
 */
export async function loadManifest(snapshot: CID, pages: BlockSource): Promise<SnapshotIndex> {
  const loader = new ManifestLoader(decodeRoot(await readPage(snapshot, pages)), snapshot)
  while (!loader.done) for (const cid of loader.wanted()) loader.add(cid, await readPage(cid, pages))
  return loader.index()
}

async function readPage(cid: CID, pages: BlockSource): Promise<Uint8Array> {
  const frame = await pages.get(cid)
  if (frame !== undefined) return decodeFrame(frame, PAGE_BYTES_MAX)
  throw new StorageError({ code: 'CORRUPT', path: cid.toString(), reason: 'this manifest page is not in the store' })
}
