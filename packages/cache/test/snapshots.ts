import { chunkCid, CHUNKING, type CID, encodeFrame, ManifestBuilder, ManifestLoader, sha256, type SnapshotIndex } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import type { BlockStore } from '@cairn/storage'
import type { Release } from '@cairn/trust'

export const NETWORK = 'test'
export const CHUNK_BYTES = CHUNKING.edge.bytesMin

/**
 * Chunk contents by number, so that snapshots that name the same numbers share chunks. They do not compress. A number and a half is near to
 * that number.
 */
export function chunkOf(number: number): Uint8Array {
  const random = seededRandom(`chunk ${Math.floor(number)}`)
  const words = Uint32Array.from({ length: CHUNK_BYTES / 4 }, () => random.u32())
  if (!Number.isInteger(number)) words[CHUNK_BYTES / 8]! ^= 1
  return new Uint8Array(words.buffer)
}

export function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i)
}

/** Puts a snapshot of one file, of these chunks, into `store`. */
export async function makeSnapshot(store: BlockStore, ledger: string, height: number, chunks: readonly number[]): Promise<SnapshotIndex> {
  const pages: { readonly cid: CID; readonly bytes: Uint8Array }[] = []
  const builder = new ManifestBuilder(
    {
      identity: { network: NETWORK, ledger, height },
      chunking: CHUNKING.edge,
      compression: { codec: 'zstd', level: 3 },
      provenance: { tool: 'test', sourceHeight: height },
    },
    (cid, bytes) => pages.push({ cid, bytes }),
  )
  builder.startFile('bulk', { type: 'file', path: 'state', mode: 0o644, bytes: chunks.length * CHUNK_BYTES })
  for (const number of chunks) {
    const plain = chunkOf(number)
    const digest = sha256(plain)
    builder.addChunk({ digest, bytes: plain.byteLength })
    await store.put(chunkCid(digest), encodeFrame(plain))
  }
  const { cid, bytes, root } = builder.finish()
  const byCid = new Map(pages.map((page) => [page.cid.toString(), page.bytes]))
  for (const page of [...pages, { cid, bytes }]) await store.put(page.cid, encodeFrame(page.bytes))
  const loader = new ManifestLoader(root, cid)
  while (!loader.done) for (const wanted of loader.wanted()) loader.add(wanted, byCid.get(wanted.toString())!)
  return loader.index()
}

export function releaseOf({ cid, root }: SnapshotIndex, channels: readonly string[] = ['stable']): Release {
  const { ledger, height, totals } = root
  return { ledger, height, manifest: cid, manifestBytes: 1_000, channels, totalBytes: totals.bytes, chunks: totals.chunks }
}
