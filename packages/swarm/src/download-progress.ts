import type { Bitmap, SnapshotIndex } from '@cairn/protocol'

/** What of the first `chunksCount` chunks of `index` is in `held`; bytes are plain. */
export function progressOf(
  index: SnapshotIndex,
  held: Bitmap,
  chunksCount: number,
): { readonly chunksCount: number; readonly chunksHeld: number; readonly bytes: number; readonly bytesHeld: number } {
  const progress = { chunksCount, chunksHeld: 0, bytes: 0, bytesHeld: 0 }
  for (let chunk = 0; chunk < chunksCount; chunk++) {
    const bytes = index.chunkBytes(chunk)
    progress.bytes += bytes
    if (!held.get(chunk)) continue
    progress.chunksHeld += 1
    progress.bytesHeld += bytes
  }
  return progress
}
