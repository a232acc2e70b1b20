import { sha256 } from '@cairn/protocol'
import type { JsonObject } from '../canonical-json.ts'
import { type MetadataFile, readMetadata } from '../metadata.ts'
import { fileOf } from '../names.ts'
import { seal, type Signing } from './seal.ts'

export interface SnapshotInit extends Signing {
  /** The file that this one follows. What it lists stays listed: clients refuse a file that vanishes. */
  readonly previous?: Uint8Array
  /** `targets.json`; may be left out where `previous` lists it and it has not changed. */
  readonly targets?: Uint8Array
  /** Files of ledgers, by name: those that are new or have changed. */
  readonly ledgers: Readonly<Record<string, Uint8Array>>
}

/**
 * A new `snapshot.json`: the one set of versions that belongs together, each with its length and hash.
 *
 * @throws {TrustError} `MALFORMED` if a given file is, or if `targets.json` is nowhere listed; `TOO_LARGE`
 */
export function newSnapshot({ previous, targets, ledgers, ...signing }: SnapshotInit): Uint8Array {
  const file = fileOf('snapshot')
  const before = previous === undefined ? undefined : readMetadata('snapshot', file, previous)
  const meta: JsonObject = {}
  for (const [name, listed] of Object.entries(before?.metadata.signed.meta ?? {})) meta[name] = listed.toJSON()
  if (targets !== undefined) meta[fileOf('targets')] = listingJson(readMetadata('targets', fileOf('targets'), targets))
  for (const [ledger, bytes] of Object.entries(ledgers)) meta[fileOf(ledger)] = listingJson(readMetadata('ledger', fileOf(ledger), bytes))
  return seal({ kind: 'snapshot', file, version: (before?.version ?? 0) + 1, fields: { meta } }, signing)
}

/** A file as a snapshot or timestamp lists it. */
export function listingJson({ version, bytes }: MetadataFile): JsonObject {
  return { version, length: bytes.byteLength, hashes: { sha256: Buffer.from(sha256(bytes)).toString('hex') } }
}
