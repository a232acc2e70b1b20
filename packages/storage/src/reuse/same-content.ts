import type { SnapshotIndex } from '@cairn/protocol'

/** Whether two files of two snapshots have the same chunks in the same order. */
export function isSameFileContent(from: SnapshotIndex, fromEntry: number, to: SnapshotIndex, toEntry: number): boolean {
  const [before, after] = [from.entries[fromEntry], to.entries[toEntry]]
  if (before?.type !== 'file' || after?.type !== 'file') return false
  if (before.bytes !== after.bytes || before.refCount !== after.refCount) return false
  for (let i = 0; i < after.refCount; i++) {
    const [a, b] = [from.refChunk(before.firstRef + i), to.refChunk(after.firstRef + i)]
    if (Buffer.compare(from.chunkDigest(a), to.chunkDigest(b)) !== 0) return false
  }
  return true
}
