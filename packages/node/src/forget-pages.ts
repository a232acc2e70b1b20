import type { SnapshotIndex } from '@cairn/protocol'
import type { BlockStore } from '@cairn/storage'

/** Removes the pages of manifests that are none of `kept`. @throws {StorageError} `IO_FAILED` */
export async function forgetPages(pages: BlockStore, kept: readonly SnapshotIndex[]): Promise<void> {
  const needed = new Set(kept.flatMap((index) => index.pages.map(String)))
  const surplus = Array.from(pages.cids()).filter((cid) => !needed.has(cid.toString()))
  for (const cid of surplus) await pages.delete(cid)
}
