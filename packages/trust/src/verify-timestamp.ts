import type { Root } from '@tufjs/models'
import { TrustError } from './errors.ts'
import { type MetadataFile, readMetadata } from './metadata.ts'
import { fileOf } from './names.ts'
import type { Listed } from './verify-listed.ts'
import { topLevelAuthority, verifySignatures } from './verify-signatures.ts'

const FILE = fileOf('timestamp')

/**
 * Verifies a timestamp against `root` and, if one was accepted before, against `previous`.
 *
 * @throws {TrustError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION`, `FORGED`, `ROLLED_BACK` or `MIXED`
 * @see TUF 5.4
 */
export function verifyTimestamp(bytes: Uint8Array, root: Root, previous?: MetadataFile<'timestamp'>): MetadataFile<'timestamp'> {
  const timestamp = readMetadata('timestamp', FILE, bytes)
  verifySignatures(timestamp, [topLevelAuthority(root, 'timestamp')])
  if (previous !== undefined) verifyNotOlder(timestamp, previous)
  return timestamp
}

/** The snapshot file that `timestamp` vouches for. */
export function listedSnapshot(timestamp: MetadataFile<'timestamp'>): Listed {
  return { file: fileOf('snapshot'), role: 'snapshot', meta: timestamp.metadata.signed.snapshotMeta }
}

/** A replayed timestamp is genuine in every other way: only memory of a newer one gives it away. */
function verifyNotOlder(timestamp: MetadataFile<'timestamp'>, previous: MetadataFile<'timestamp'>): void {
  if (timestamp.version < previous.version) {
    throw new TrustError({ code: 'ROLLED_BACK', file: FILE, role: 'timestamp', found: timestamp.version, wanted: previous.version })
  }
  if (timestamp.version === previous.version && Buffer.compare(timestamp.bytes, previous.bytes) !== 0) {
    // The signer, or a thief of the key, says two things at once. What was heard first stays.
    const { version } = timestamp
    throw new TrustError({
      code: 'MIXED',
      file: FILE,
      role: 'timestamp',
      what: 'content',
      found: `another version ${version}`,
      wanted: `the version ${version} seen before`,
    })
  }
  // A thief of the timestamp key alone can give an old snapshot a new date, but not a lower number.
  const [found, wanted] = [listedSnapshot(timestamp).meta.version, listedSnapshot(previous).meta.version]
  if (found < wanted) throw new TrustError({ code: 'ROLLED_BACK', file: fileOf('snapshot'), role: 'snapshot', found, wanted })
}
