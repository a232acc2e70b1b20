import { type CID, cidDigest, isPageCid, PAGE_BYTES_MAX, type SnapshotIndex } from '@cairn/protocol'
import type { BlockStore } from '@cairn/storage'

/** Every block of a snapshot: its chunks, then its pages with the root. */
export function* blocksOf(index: SnapshotIndex): Generator<CID> {
  for (let chunk = 0; chunk < index.chunksCount; chunk++) yield index.chunkCid(chunk)
  yield* index.pages
}

/**
 * Bytes of frames that `index` needs beside what `others` need. A block that is not in `store` counts with the most its frame can have,
 * so a plan that fits by this fits.
 */
export function addedBytes(index: SnapshotIndex, others: readonly SnapshotIndex[], store: Pick<BlockStore, 'frameBytes'>): number {
  let bytes = 0
  for (let chunk = 0; chunk < index.chunksCount; chunk++) {
    const digest = index.chunkDigest(chunk)
    if (others.some((other) => other.findChunk(digest) !== undefined)) continue
    bytes += store.frameBytes(index.chunkCid(chunk)) ?? index.chunkBytes(chunk) + 1
  }
  const shared = new Set(others.flatMap(({ pages }) => pages.map(String)))
  for (const page of index.pages) if (!shared.has(page.toString())) bytes += store.frameBytes(page) ?? PAGE_BYTES_MAX + 1
  return bytes
}

/** Deletes those of `candidates` that no snapshot in `kept` needs. Takes no memory but for what it deletes. */
export async function dropBlocks(
  store: BlockStore,
  candidates: Iterable<CID>,
  kept: readonly SnapshotIndex[],
): Promise<{ readonly blocksCount: number; readonly freedBytes: number }> {
  const pages = new Set(kept.flatMap((index) => index.pages.map(String)))
  const isNeeded = (cid: CID): boolean =>
    isPageCid(cid) ? pages.has(cid.toString()) : kept.some((index) => index.findChunk(cidDigest(cid)) !== undefined)
  const doomed: CID[] = []
  for (const cid of candidates) if (!isNeeded(cid)) doomed.push(cid)
  let [blocksCount, freedBytes] = [0, 0]
  for (const cid of doomed) {
    const bytes = store.frameBytes(cid)
    if (bytes === undefined) continue
    await store.delete(cid)
    blocksCount += 1
    freedBytes += bytes
  }
  return { blocksCount, freedBytes }
}
