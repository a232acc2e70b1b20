import { CHUNKING, type ChunkingParameters } from '../chunking.ts'
import { type CID, SHA256_BYTES, pageCid } from '../cid.ts'
import { ProtocolError } from '../errors.ts'
import { CHUNKS_MAX, CHUNK_REFS_MAX, ENTRIES_MAX, IDENTITY_BYTES_MAX } from '../limits.ts'
import { decodeBlock, encodeBlock } from './canonical.ts'
import { malformed, readBytes, readInteger, readMap, readPageLink, readText, readTuple } from './fields.ts'
import { isName } from '../names.ts'
import {
  type Compression,
  type ManifestRoot,
  type ManifestTotals,
  type Provenance,
  STAGES,
  type SectionSummary,
  type StageClass,
} from './types.ts'

/** The version this program writes and reads. */
export const MANIFEST_VERSION = 1
/** Name and version of the publishing program. */
export const TOOL_BYTES_MAX = 128
/** A state root is a hash; 64 bytes hold the longest in use. */
export const STATE_ROOT_BYTES_MAX = 64
/** A checkpoint with a quorum's signatures; BLS aggregates stay far below, 100 Ed25519 signatures come to 10 KB. */
export const CHECKPOINT_BYTES_MAX = 16 * 1024
/** zstd's highest regular level. */
const COMPRESSION_LEVEL_MAX = 22

/** @throws {ProtocolError} for a root that {@link decodeRoot} would refuse */
export function encodeRoot(root: ManifestRoot): { readonly cid: CID; readonly bytes: Uint8Array } {
  const { parent, provenance, sections, ...rest } = root
  const bytes = encodeBlock(
    {
      ...rest,
      ...present('parent', parent),
      sections: sections.map(({ pages, ...section }) => ({ ...section, ...present('pages', pages) })),
      provenance: {
        tool: provenance.tool,
        sourceHeight: provenance.sourceHeight,
        ...present('stateRoot', provenance.stateRoot),
        ...present('checkpoint', provenance.checkpoint),
      },
    },
    'manifest root',
  )
  decodeRoot(bytes)
  return { cid: pageCid(bytes), bytes }
}

/**
 * Reads a manifest root: shape, bounds, canonical form, and that sections and totals agree.
 *
 * @throws {ProtocolError} `UNSUPPORTED_VERSION` for another version, else `TOO_LARGE`, `MALFORMED`, `MISMATCH`, `BAD_CID`
 */
export function decodeRoot(bytes: Uint8Array): ManifestRoot {
  return decodeBlock(bytes, 'manifest root', readRoot)
}

const ROOT_KEYS = [
  'version',
  'network',
  'ledger',
  'height',
  'chunking',
  'compression',
  'sections',
  'totals',
  'chunkRoot',
  'provenance',
] as const

function readRoot(value: unknown): ManifestRoot {
  assertVersion(value)
  const map = readMap(value, 'manifest root', ROOT_KEYS, ['parent'])
  const root: ManifestRoot = {
    version: MANIFEST_VERSION,
    network: readName(map['network'], 'network'),
    ledger: readName(map['ledger'], 'ledger'),
    height: readInteger(map['height'], 'height'),
    parent: Object.hasOwn(map, 'parent') ? readPageLink(map['parent'], 'parent') : undefined,
    chunking: readChunking(map['chunking']),
    compression: readCompression(map['compression']),
    sections: readTuple(map['sections'], 'sections', STAGES.length).map((section, i) => readSection(section, STAGES[i]!)),
    totals: readTotals(map['totals']),
    chunkRoot: readBytes(map['chunkRoot'], 'chunk root', SHA256_BYTES, SHA256_BYTES),
    provenance: readProvenance(map['provenance']),
  }
  assertTotalsAgree(root)
  return root
}

/** Looked at before the keys, so that a future format is named as such and not as malformed. */
function assertVersion(value: unknown): void {
  const { version } = Object(value) as { readonly version?: unknown }
  const found = readInteger(version, 'manifest version')
  if (found !== MANIFEST_VERSION) {
    throw new ProtocolError({ code: 'UNSUPPORTED_VERSION', what: 'manifest', found, supported: MANIFEST_VERSION })
  }
}

function readName(value: unknown, what: string): string {
  const name = readText(value, what, IDENTITY_BYTES_MAX)
  if (!isName(name)) throw malformed(what, 'only a-z, 0-9 and hyphens between them')
  return name
}

/** The profiles are part of the format: parameters that are not exactly a profile's would cut chunks nobody can share. */
function readChunking(value: unknown): ChunkingParameters {
  const map = readMap(value, 'chunking', ['algorithm', 'profile', 'bytesMin', 'bytesAverage', 'bytesMax'])
  const known = Object.values(CHUNKING).find((parameters) => parameters.profile === map['profile'])
  if (known === undefined) throw malformed('chunking', 'unknown profile')
  for (const [key, wanted] of Object.entries(known)) if (map[key] !== wanted) throw malformed('chunking', `${key} is not the profile's`)
  return known
}

function readCompression(value: unknown): Compression {
  const map = readMap(value, 'compression', ['codec', 'level'])
  if (map['codec'] !== 'zstd') throw malformed('compression', 'unknown codec')
  return { codec: 'zstd', level: readInteger(map['level'], 'compression level', COMPRESSION_LEVEL_MAX) }
}

function readSection(value: unknown, stage: StageClass): SectionSummary {
  const what = `section ${stage}`
  const map = readMap(value, what, ['stage', 'entries', 'chunks', 'bytes'], ['pages'])
  if (map['stage'] !== stage) throw malformed(what, 'not in its place')
  const section = {
    stage,
    pages: Object.hasOwn(map, 'pages') ? readPageLink(map['pages'], what) : undefined,
    entries: readInteger(map['entries'], `${what}: entries`, ENTRIES_MAX),
    chunks: readInteger(map['chunks'], `${what}: chunks`, CHUNK_REFS_MAX),
    bytes: readInteger(map['bytes'], `${what}: bytes`),
  }
  if ((section.pages === undefined) !== (section.entries === 0)) throw malformed(what, 'pages without entries or entries without pages')
  return section
}

function readTotals(value: unknown): ManifestTotals {
  const keys = ['files', 'directories', 'symlinks', 'chunkRefs', 'chunks', 'bytes', 'distinctBytes'] as const
  const map = readMap(value, 'totals', keys)
  return {
    files: readInteger(map['files'], 'files', ENTRIES_MAX),
    directories: readInteger(map['directories'], 'directories', ENTRIES_MAX),
    symlinks: readInteger(map['symlinks'], 'symlinks', ENTRIES_MAX),
    chunkRefs: readInteger(map['chunkRefs'], 'chunk mentions', CHUNK_REFS_MAX),
    chunks: readInteger(map['chunks'], 'chunks', CHUNKS_MAX),
    bytes: readInteger(map['bytes'], 'bytes'),
    distinctBytes: readInteger(map['distinctBytes'], 'distinct bytes'),
  }
}

function readProvenance(value: unknown): Provenance {
  const map = readMap(value, 'provenance', ['tool', 'sourceHeight'], ['stateRoot', 'checkpoint'])
  return {
    tool: readText(map['tool'], 'tool', TOOL_BYTES_MAX),
    sourceHeight: readInteger(map['sourceHeight'], 'source height'),
    ...(Object.hasOwn(map, 'stateRoot') && { stateRoot: readBytes(map['stateRoot'], 'state root', 1, STATE_ROOT_BYTES_MAX) }),
    ...(Object.hasOwn(map, 'checkpoint') && { checkpoint: readBytes(map['checkpoint'], 'checkpoint', 1, CHECKPOINT_BYTES_MAX) }),
  }
}

/** With this every count of every page below is bounded by the root's totals, and those by the limits. */
function assertTotalsAgree({ sections, totals }: ManifestRoot): void {
  const sum = (count: (section: SectionSummary) => number): number => sections.reduce((total, section) => total + count(section), 0)
  assertEqual(
    'sum of entries',
    totals.files + totals.directories + totals.symlinks,
    sum((section) => section.entries),
  )
  assertEqual(
    'sum of chunk mentions',
    totals.chunkRefs,
    sum((section) => section.chunks),
  )
  assertEqual(
    'sum of bytes',
    totals.bytes,
    sum((section) => section.bytes),
  )
  if (totals.chunks > totals.chunkRefs || totals.distinctBytes > totals.bytes) throw malformed('totals', 'more distinct than in all')
}

function assertEqual(what: string, found: number, wanted: number): void {
  if (found !== wanted) throw new ProtocolError({ code: 'MISMATCH', what, found: `${found}`, wanted: `${wanted}` })
}

function present<K extends string, V>(key: K, value: V | undefined): { readonly [key in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [key in K]?: V })
}
