// Writes manifest.json beside this file.
// Run it by hand, and only to approve a new manifest format: `node test/vectors/generate-manifest.ts`. Tests read what is there.
import { writeFileSync } from 'node:fs'
import { CHUNKING, type ChunkRef, type Entry, ManifestBuilder, type ManifestBuilderInit, pageCid, sha256, type StageClass } from '@cairn/protocol'

type Staged = readonly [stage: StageClass, entry: Entry]

const text = (value: string): Uint8Array => new TextEncoder().encode(value)
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const chunk = (name: string, bytes: number): ChunkRef => ({ digest: sha256(text(name)), bytes })
const file = (path: string, mode: number, chunks: readonly ChunkRef[]): Entry => ({
  type: 'file',
  path,
  mode,
  bytes: chunks.reduce((sum, { bytes }) => sum + bytes, 0),
  chunks,
})

const init: ManifestBuilderInit = {
  identity: { network: 'testnet', ledger: 'accounts', height: 1000 },
  chunking: CHUNKING.balanced,
  compression: { codec: 'zstd', level: 3 },
  provenance: { tool: 'cairn 0.1.0', sourceHeight: 1000 },
}
const following: ManifestBuilderInit = {
  ...init,
  identity: { network: 'testnet', ledger: 'accounts', height: 2000 },
  chunking: CHUNKING.edge,
  parent: pageCid(text('parent')),
  provenance: { tool: 'cairn 0.1.0', sourceHeight: 1999, stateRoot: sha256(text('state')), checkpoint: text('checkpoint') },
}

const small: readonly Staged[] = [
  ['bootstrap', { type: 'directory', path: 'state', mode: 0o755 }],
  ['bootstrap', file('state/HEAD', 0o644, [chunk('head', 17)])],
  ['bulk', file('empty', 0o600, [])],
  ['bulk', { type: 'symlink', path: 'latest', target: '../elsewhere/é' }],
  ['bulk', file('state/0001.ldb', 0o4755, [chunk('a', 65_536), chunk('b', 1_048_576), chunk('a', 65_536), chunk('head', 17)])],
  ['bulk', { type: 'directory', path: 'state/\u{ffff}', mode: 0o7777 }],
  ['bulk', { type: 'directory', path: 'state/\u{10000}', mode: 0 }],
]

/** Named by what stands in the vector, so that another implementation can make the same input. */
const recipe = {
  files: 60,
  path: 'f and the number of the file, from 0, in four decimal digits',
  mode: 0o644,
  chunksOf: 'file f has 10 * f chunks',
  chunk: 'chunk c of file f has length 65536 and SHA-256 of the text "<f> <c>" for its digest',
  stage: 'bulk',
}
const large = Array.from({ length: recipe.files }, (_, f): Staged => {
  const chunks = Array.from({ length: 10 * f }, (_, c) => chunk(`${f} ${c}`, 65_536))
  return ['bulk', file(`f${String(f).padStart(4, '0')}`, recipe.mode, chunks)]
})

/** Blocks that a decoder must refuse, and with which fault. */
const refused: readonly (readonly [name: string, block: 'page' | 'root', code: string, hex: string])[] = [
  ['nothing', 'page', 'MALFORMED', ''],
  ['a leaf of no records', 'page', 'MALFORMED', '820080'],
  ['a level written as a float', 'page', 'MALFORMED', '82f90000818300416400'],
  ['a level written in two bytes', 'page', 'MALFORMED', '821800818300416400'],
  ['a list of indefinite length', 'page', 'MALFORMED', '82009f8300416400ff'],
  ['trailing bytes', 'page', 'MALFORMED', '820081830041640000'],
  ['a path as text', 'page', 'MALFORMED', '8200818300616400'],
  ['a path that climbs', 'page', 'MALFORMED', `820081830042${hex(text('..'))}00`],
  ['the reserved name', 'page', 'MALFORMED', `820081830046${hex(text('.cairn'))}00`],
  ['a path that is not UTF-8', 'page', 'MALFORMED', '820081830041ff00'],
  ['a mode above 0o7777', 'page', 'TOO_LARGE', '82008183004164191000'],
  ['an unknown kind of record', 'page', 'MALFORMED', '8200818304416400'],
  ['an empty file with a chunk', 'page', 'MALFORMED', `8200818502416600005824${'00'.repeat(32)}00000001`],
  ['a child that lists nothing', 'page', 'MALFORMED', `82018184d82a58250001711220${'00'.repeat(32)}000000`],
  ['a child that is a chunk', 'page', 'MALFORMED', `82018184d82a58250001551220${'00'.repeat(32)}010000`],
  ['a tree too deep', 'page', 'TOO_LARGE', `82098184d82a58250001711220${'00'.repeat(32)}010000`],
  ['nested lists', 'page', 'MALFORMED', '81'.repeat(5000)],
  ['another version', 'root', 'UNSUPPORTED_VERSION', `a167${hex(text('version'))}02`],
  ['no version', 'root', 'MALFORMED', 'a0'],
  ['a page', 'root', 'MALFORMED', '8200818300416400'],
]

const manifest = {
  accepted: [vector('nothing', init, []), vector('three sections', init, small), vector('with a parent and a checkpoint', following, small.slice(0, 3))],
  large: largeVector(),
  refused: refused.map(([name, block, code, hex]) => ({ name, block, code, hex })),
}
writeFileSync(new URL('manifest.json', import.meta.url), `${JSON.stringify(manifest, undefined, 2)}\n`)

function vector(name: string, init: ManifestBuilderInit, entries: readonly Staged[]): object {
  const { cid, bytes, pages } = build(init, entries)
  return {
    name,
    init: { ...init, parent: init.parent?.toString(), provenance: provenanceJson(init) },
    entries: entries.map(([stage, entry]) => ({ stage, entry: entryJson(entry) })),
    root: { cid, hex: hex(bytes) },
    pages: pages.map(({ cid, bytes }) => ({ cid, hex: hex(bytes) })),
  }
}

/** Too large to write out: names and lengths of its blocks. */
function largeVector(): object {
  const { cid, bytes, pages } = build(init, large)
  return { init, recipe, root: { cid, bytes: bytes.byteLength }, pages: pages.map(({ cid, bytes }) => ({ cid, bytes: bytes.byteLength })) }
}

function build(init: ManifestBuilderInit, entries: readonly Staged[]) {
  const pages: { readonly cid: string; readonly bytes: Uint8Array }[] = []
  const builder = new ManifestBuilder(init, (cid, bytes) => pages.push({ cid: cid.toString(), bytes }))
  for (const [stage, entry] of entries) builder.add(stage, entry)
  const { cid, bytes } = builder.finish()
  return { cid: cid.toString(), bytes, pages }
}

function entryJson(entry: Entry): object {
  if (entry.type !== 'file') return entry
  return { ...entry, chunks: entry.chunks.map(({ digest, bytes }) => ({ digest: hex(digest), bytes })) }
}

function provenanceJson({ provenance }: ManifestBuilderInit): object {
  const { stateRoot, checkpoint, ...rest } = provenance
  return { ...rest, ...(stateRoot && { stateRoot: hex(stateRoot) }), ...(checkpoint && { checkpoint: hex(checkpoint) }) }
}
