import type { Root, Snapshot } from '@tufjs/models'
import { TrustError } from './errors.ts'
import { type MetadataFile, readMetadata } from './metadata.ts'
import { fileOf } from './names.ts'
import { type Listed, verifyListedBytes, verifyListedVersion } from './verify-listed.ts'
import { topLevelAuthority, verifySignatures } from './verify-signatures.ts'

/**
 * Verifies the snapshot file that a timestamp `listed` against `root` and, if one was accepted before, against `previous`.
 *
 * @throws {TrustError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION`, `FORGED`, `ROLLED_BACK` or `MIXED`
 * @see TUF 5.5
 */
export function verifySnapshot(
  bytes: Uint8Array,
  listed: Listed,
  root: Root,
  previous?: MetadataFile<'snapshot'>,
): MetadataFile<'snapshot'> {
  verifyListedBytes(bytes, listed)
  const snapshot = readMetadata('snapshot', listed.file, bytes)
  verifySignatures(snapshot, [topLevelAuthority(root, 'snapshot')])
  verifyListedVersion(snapshot, listed)
  if (previous !== undefined) verifyNothingOlder(snapshot.metadata.signed, previous.metadata.signed)
  return snapshot
}

/** The metadata file of `role` (`targets` or a ledger) that `snapshot` lists, if it does. */
export function listedTargets(snapshot: Snapshot, role: string): Listed | undefined {
  const file = fileOf(role)
  return Object.hasOwn(snapshot.meta, file) ? { file, role, meta: snapshot.meta[file]! } : undefined
}

/**
 * A thief of the snapshot and timestamp keys cannot sign for a ledger, but could list the ledger's old file again, or none.
 * So every version ever seen is a floor, and a file once listed stays listed.
 */
function verifyNothingOlder(snapshot: Snapshot, previous: Snapshot): void {
  for (const [file, { version: wanted }] of Object.entries(previous.meta)) {
    const role = file.slice(0, -'.json'.length)
    const found = listedTargets(snapshot, role)?.meta.version ?? 0
    if (found < wanted) throw new TrustError({ code: 'ROLLED_BACK', file, role, found, wanted })
  }
}
