import assert from 'node:assert/strict'
import { CHUNKING } from '../../src/chunking.ts'
import { type CID, sha256, verifyBlock } from '../../src/cid.ts'
import { ProtocolError, type ProtocolFault } from '../../src/errors.ts'
import {
  type BuiltManifest,
  type ChunkRef,
  type DirectoryEntry,
  type Entry,
  type FileEntry,
  ManifestBuilder,
  type ManifestBuilderInit,
  ManifestLoader,
  type ManifestRoot,
  type SnapshotIndex,
  type StageClass,
  type SymlinkEntry,
} from '../../src/manifest/index.ts'

/** The smallest profile, so that short files have several chunks. */
export const chunking = CHUNKING.edge

export const init: ManifestBuilderInit = {
  identity: { network: 'testnet', ledger: 'accounts', height: 1000 },
  chunking,
  compression: { codec: 'zstd', level: 3 },
  provenance: { tool: 'cairn test', sourceHeight: 1000 },
}

export type Staged = readonly [StageClass, Entry]

export interface Built extends BuiltManifest {
  /** Every page but the root, by the text of its CID. */
  readonly pages: ReadonlyMap<string, Uint8Array>
}

/** A chunk like no other but for the same `seed`. */
export function chunk(seed: number | string, bytes: number = chunking.bytesMin): ChunkRef {
  return { digest: new Uint8Array(sha256(Buffer.from(`chunk ${seed}`))), bytes }
}

export function file(path: string, chunks: readonly ChunkRef[] = []): FileEntry {
  return { type: 'file', path, mode: 0o644, bytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0), chunks }
}

export function directory(path: string): DirectoryEntry {
  return { type: 'directory', path, mode: 0o755 }
}

export function symlink(path: string, target: string): SymlinkEntry {
  return { type: 'symlink', path, target }
}

export function build(entries: Iterable<Staged>, with_: Partial<ManifestBuilderInit> = {}): Built {
  const pages = new Map<string, Uint8Array>()
  const builder = new ManifestBuilder({ ...init, ...with_ }, (cid, bytes) => {
    assert(verifyBlock(cid, bytes))
    pages.set(cid.toString(), bytes)
  })
  for (const [stage, entry] of entries) builder.add(stage, entry)
  return { ...builder.finish(), pages }
}

/** `pick` chooses which of the wanted pages arrives next. */
export function load(
  { root, cid, pages }: { readonly root: ManifestRoot; readonly cid: CID; readonly pages: ReadonlyMap<string, Uint8Array> },
  pick: (count: number) => number = () => 0,
): SnapshotIndex {
  const loader = new ManifestLoader(root, cid)
  while (!loader.done) {
    const wanted = loader.wanted()
    const next = wanted[pick(wanted.length)]
    assert(next !== undefined, 'a loader that is not done wants something')
    const bytes = pages.get(next.toString())
    assert(bytes !== undefined, `page ${next.toString()} was never emitted`)
    loader.add(next, bytes)
  }
  return loader.index()
}

/** The entries that an index lists, as they were given to the builder. */
export function* entriesOf(index: SnapshotIndex): Generator<Staged> {
  for (const [i, entry] of index.entries.entries()) {
    if (entry.type === 'directory') yield [entry.stage, { type: 'directory', path: entry.path, mode: entry.mode }]
    else if (entry.type === 'symlink') yield [entry.stage, { type: 'symlink', path: entry.path, target: entry.target }]
    else {
      const chunks = Array.from(index.chunksOfFile(i), ({ chunk, bytes }) => ({ digest: new Uint8Array(index.chunkDigest(chunk)), bytes }))
      yield [entry.stage, { type: 'file', path: entry.path, mode: entry.mode, bytes: entry.bytes, chunks }]
    }
  }
}

/** That `action` throws a {@link ProtocolError} with this code, whose message matches. */
export function assertFault(action: () => unknown, code: ProtocolFault['code'], message: RegExp = /./): void {
  assert.throws(action, (error) => {
    assert(error instanceof ProtocolError, `not a ProtocolError: ${String(error)}`)
    assert.equal(error.fault.code, code, error.message)
    assert.match(error.message, message)
    return true
  })
}
