import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CHUNKING,
  type ChunkRef,
  cidDigest,
  type Entry,
  ManifestBuilder,
  ManifestLoader,
  sha256,
  type SnapshotIndex,
  type StageClass,
} from '@cairn/protocol'

/** A tree for a test; in the order of a manifest. `stage` is `bulk` unless it says otherwise. */
export type SampleEntry = { readonly stage?: StageClass } & (
  | { readonly type: 'directory'; readonly path: string; readonly mode: number }
  | { readonly type: 'file'; readonly path: string; readonly mode: number; readonly content: Uint8Array }
  | { readonly type: 'symlink'; readonly path: string; readonly target: string }
)

export interface SampleSnapshot {
  readonly index: SnapshotIndex
  /** Blocks of the manifest by the text of their CID, the root included. */
  readonly pages: ReadonlyMap<string, Uint8Array>
  /** Plain bytes of a chunk, by chunk index. */
  readonly plain: (chunk: number) => Uint8Array
}

/** Publishes a tree in memory. Files are cut every 16 KiB, the least that the `edge` profile allows. */
export function sampleSnapshot(entries: readonly SampleEntry[], height = 1): SampleSnapshot {
  const chunks = new Map<string, Uint8Array>()
  const pages = new Map<string, Uint8Array>()
  const chunking = CHUNKING.edge
  const builder = new ManifestBuilder(
    {
      identity: { network: 'test', ledger: 'sample', height },
      chunking,
      compression: { codec: 'zstd', level: 3 },
      provenance: { tool: 'test', sourceHeight: height },
    },
    (cid, bytes) => pages.set(cid.toString(), bytes),
  )
  for (const entry of entries) builder.add(entry.stage ?? 'bulk', manifestEntry(entry, chunking.bytesMin, chunks))
  const { cid, bytes, root } = builder.finish()
  pages.set(cid.toString(), bytes)

  const loader = new ManifestLoader(root, cid)
  while (!loader.done) for (const page of loader.wanted()) loader.add(page, pages.get(page.toString())!)
  const index = loader.index()
  return { index, pages, plain: (chunk) => chunks.get(hex(cidDigest(index.chunkCid(chunk))))! }
}

/** Writes the tree below `root`, as its publisher would have it. */
export async function writeSample(root: string, entries: readonly SampleEntry[]): Promise<void> {
  await mkdir(root, { recursive: true })
  for (const entry of entries) {
    const path = join(root, entry.path)
    if (entry.type === 'directory') await mkdir(path)
    else if (entry.type === 'file') await writeFile(path, entry.content)
    else await symlink(entry.target, path)
  }
  for (const entry of entries.toReversed()) if (entry.type !== 'symlink') await chmod(join(root, entry.path), entry.mode)
}

function manifestEntry(entry: SampleEntry, chunkBytes: number, chunks: Map<string, Uint8Array>): Entry {
  if (entry.type !== 'file') return entry
  const { path, mode, content } = entry
  const refs: ChunkRef[] = []
  for (let at = 0; at < content.byteLength; at += chunkBytes) {
    const plain = content.subarray(at, at + chunkBytes)
    const digest = sha256(plain)
    chunks.set(hex(digest), plain)
    refs.push({ digest, bytes: plain.byteLength })
  }
  return { type: 'file', path, mode, bytes: content.byteLength, chunks: refs }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
