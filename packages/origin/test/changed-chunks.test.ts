import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { CHUNKING, ManifestBuilder, ManifestLoader, sha256, type SnapshotIndex } from '@cairn/protocol'
import { ChangedChunks } from '../src/deltas/changed-chunks.ts'
import { DELTA_SCANNED_PER_ADDED } from '../src/limits.ts'

const CHUNK_BYTES = CHUNKING.edge.bytesMin

/** Files whose chunks have these names. */
function snapshot(files: Record<string, readonly string[]>): SnapshotIndex {
  const pages = new Map<string, Uint8Array>()
  const builder = new ManifestBuilder(
    {
      identity: { network: 'test', ledger: 'main', height: 1 },
      chunking: CHUNKING.edge,
      compression: { codec: 'zstd', level: 3 },
      provenance: { tool: 'test', sourceHeight: 1 },
    },
    (cid, bytes) => pages.set(cid.toString(), bytes),
  )
  for (const [path, chunks] of Object.entries(files)) {
    builder.startFile('bulk', { type: 'file', path, mode: 0o644, bytes: chunks.length * CHUNK_BYTES })
    for (const name of chunks) builder.addChunk({ digest: sha256(Buffer.from(name)), bytes: CHUNK_BYTES })
  }
  const { cid, root } = builder.finish()
  const loader = new ManifestLoader(root, cid)
  while (!loader.done) for (const wanted of loader.wanted()) loader.add(wanted, pages.get(wanted.toString())!)
  return loader.index()
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)

describe('ChangedChunks', () => {
  it('are those that one snapshot has and the other has not, with the places of all old ones', () => {
    const changes = new ChangedChunks(snapshot({ a: ['x', 'y'], b: ['z'] }), snapshot({ a: ['x', 'new'], c: ['z'] }))
    assert.deepEqual([changes.added, changes.removed, changes.removedBytes], [[1], [1], CHUNK_BYTES])
    assert.deepEqual(
      [...changes.starts],
      [0, 1, 2, 3].map((chunk) => chunk * CHUNK_BYTES),
    )
    assert.deepEqual(changes.atSamePlace(1), [{ chunk: 1, offset: 0, bytes: CHUNK_BYTES }])
  })

  it('are looked for in files that have something new, and in no more of them than is worth it, where far more was removed', () => {
    const forgotten = names('old', 3 * DELTA_SCANNED_PER_ADDED)
    const few = new ChangedChunks(snapshot({ a: forgotten, b: ['x', 'y'] }), snapshot({ b: ['x', 'new'] }))
    assert.deepEqual(few.removed, [forgotten.length + 1])
    const many = new ChangedChunks(snapshot({ a: forgotten }), snapshot({ a: ['new'] }))
    assert.equal(many.removed.length, DELTA_SCANNED_PER_ADDED)
    assert.equal(many.removedBytes, DELTA_SCANNED_PER_ADDED * CHUNK_BYTES)
  })
})
