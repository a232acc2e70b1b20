import { METADATA_BYTES_MAX } from '@cairn/protocol'
import { Metadata, MetadataKind, type Root, type Snapshot, type Targets, type Timestamp } from '@tufjs/models'
import type { z } from 'zod'
import { decodeCanonical, encodeCanonical, isJsonObject, type JsonObject } from './canonical-json.ts'
import { TrustError } from './errors.ts'
import { ledgerSchema, rootSchema, snapshotSchema, targetsSchema, timestampSchema } from './schema.ts'

/** The TUF specification that Cairn's metadata follows. */
export const SPEC_VERSION = '1.0.31'

interface Signed {
  root: Root
  timestamp: Timestamp
  snapshot: Snapshot
  targets: Targets
  ledger: Targets
}

export type Kind = keyof Signed

/** A metadata file of proper form. Nothing is known yet about who signed it. */
export interface MetadataFile<K extends Kind = Kind> {
  readonly file: string
  /** Who signs it: the name of a ledger, or the kind. */
  readonly role: string
  readonly bytes: Uint8Array
  readonly version: number
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
  readonly metadata: Metadata<Signed[K]>
}

const KINDS: { readonly [K in Kind]: { readonly schema: z.ZodType; parse(json: JsonObject): Metadata<Signed[K]> } } = {
  root: { schema: rootSchema, parse: (json) => Metadata.fromJSON(MetadataKind.Root, json) },
  timestamp: { schema: timestampSchema, parse: (json) => Metadata.fromJSON(MetadataKind.Timestamp, json) },
  snapshot: { schema: snapshotSchema, parse: (json) => Metadata.fromJSON(MetadataKind.Snapshot, json) },
  targets: { schema: targetsSchema, parse: (json) => Metadata.fromJSON(MetadataKind.Targets, json) },
  ledger: { schema: ledgerSchema, parse: (json) => Metadata.fromJSON(MetadataKind.Targets, json) },
}

/**
 * Reads a metadata file: bounded, canonical, of its kind's shape, and understood by `@tufjs/models` in full.
 * All of it may come from an untrusted peer.
 *
 * @throws {TrustError} `TOO_LARGE`, `MALFORMED` or `UNSUPPORTED_VERSION`
 */
export function readMetadata<K extends Kind>(kind: K, file: string, bytes: Uint8Array): MetadataFile<K> {
  if (bytes.byteLength > METADATA_BYTES_MAX) {
    throw new TrustError({ code: 'TOO_LARGE', file, what: 'bytes', found: bytes.byteLength, max: METADATA_BYTES_MAX })
  }
  const json = decodeCanonical(file, bytes)
  if (!isJsonObject(json)) throw malformed(file, 'not an object')
  refuseOtherSpec(file, json)
  const shape = KINDS[kind].schema.safeParse(json)
  if (!shape.success) throw malformed(file, describeIssue(shape.error.issues[0]))
  const metadata = parse(kind, file, json)
  // The library drops some of what it does not know (other files in a timestamp's `meta`), and then verifies a signature over
  // the rest. An attacker could so add words to a signed statement: the shapes leave no room for it, and nor does this.
  if (Buffer.compare(encodeCanonical(metadata.toJSON()), bytes) !== 0) throw malformed(file, 'holds fields that have no meaning here')
  return {
    file,
    role: kind === 'ledger' ? file.slice(0, -'.json'.length) : kind,
    bytes,
    version: metadata.signed.version,
    expiresAt: Date.parse(metadata.signed.expires),
    metadata,
  }
}

function parse<K extends Kind>(kind: K, file: string, json: JsonObject): Metadata<Signed[K]> {
  try {
    return KINDS[kind].parse(json)
  } catch (cause) {
    throw new TrustError({ code: 'MALFORMED', file, reason: 'not TUF metadata' }, { cause })
  }
}

/** Before the shape is looked at: a later major version may have any. */
function refuseOtherSpec(file: string, json: JsonObject): void {
  const found = isJsonObject(json['signed']) ? json['signed']['spec_version'] : undefined
  if (typeof found !== 'string' || !/^\d{1,3}(\.\d{1,3}){1,2}$/.test(found) || found.startsWith('1.')) return
  throw new TrustError({ code: 'UNSUPPORTED_VERSION', file, found, supported: '1' })
}

function malformed(file: string, reason: string): TrustError {
  return new TrustError({ code: 'MALFORMED', file, reason })
}

/** `signed.meta: Required`, cut short: an attacker chooses the field names in it. */
function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  return `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`.slice(0, 160)
}
