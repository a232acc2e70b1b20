import { type CID, ProtocolError, type SnapshotIndex } from '@cairn/protocol'
import { type BlockSource, StorageError } from '@cairn/storage'
import { loadManifest } from '@cairn/swarm'

/** The manifest of `snapshot` out of `pages` alone; `undefined` where a page is missing or damaged, so that it is fetched anew. */
export async function loadStoredManifest(snapshot: CID, pages: BlockSource): Promise<SnapshotIndex | undefined> {
  try {
    return await loadManifest(snapshot, pages)
  } catch (error) {
    // A manifest that an earlier version accepted and this one refuses is as good as none.
    if (error instanceof ProtocolError) return undefined
    if (error instanceof StorageError && error.fault.code === 'CORRUPT') return undefined
    throw error
  }
}
