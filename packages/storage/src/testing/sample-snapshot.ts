import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CHUNKING,
  type ChunkRef,
  cidDigest,
  cutPoints,
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

/**
 * Publishes a tree in memory. Files are cut every 16 KiB, the least that the `edge` profile allows, or, with `content`, as a publisher
 * does it: then files that share content share chunks, wherever in them it is.
 */
export function sampleSnapshot(entries: readonly SampleEntry[], height = 1, cut: 'fixed' | 'content' = 'fixed'): SampleSnapshot {
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
  for (const entry of entries) builder.add(entry.stage ?? 'bulk', manifestEntry(entry, cut, chunks))
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

function manifestEntry(entry: SampleEntry, cut: 'fixed' | 'content', chunks: Map<string, Uint8Array>): Entry {
  if (entry.type !== 'file') return entry
  const { path, mode, content } = entry
  const refs: ChunkRef[] = []
  let at = 0
  for (const end of cut === 'fixed' ? fixedEnds(content.byteLength) : cutPoints(content, CHUNKING.edge)) {
    const plain = content.subarray(at, end)
    const digest = sha256(plain)
    chunks.set(hex(digest), plain)
    refs.push({ digest, bytes: plain.byteLength })
    at = end
  }
  return { type: 'file', path, mode, bytes: content.byteLength, chunks: refs }
}

function fixedEnds(bytes: number): readonly number[] {
  const { bytesMin } = CHUNKING.edge
  return Array.from({ length: Math.ceil(bytes / bytesMin) }, (_, i) => Math.min(bytes, (i + 1) * bytesMin))
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
