import type { Root } from '@tufjs/models'
import { TrustError } from './errors.ts'
import { type MetadataFile, readMetadata } from './metadata.ts'
import { fileOf, rootFileOf } from './names.ts'
import { topLevelAuthority, type TopLevelRole, verifySignatures } from './verify-signatures.ts'

/**
 * Verifies a root that was handed over out of band: nobody else vouches for it, so it must at least vouch for itself.
 * Expiry is the caller's: an expired root may still name its successor.
 *
 * @throws {TrustError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION` or `FORGED`
 */
export function verifyFirstRoot(bytes: Uint8Array): MetadataFile<'root'> {
  const root = readMetadata('root', fileOf('root'), bytes)
  // A later root also carries signatures of its predecessor's keys, which nothing here can tell from noise.
  verifySignatures(root, [topLevelAuthority(root.metadata.signed, 'root')], root.version > 1 ? 'ignore' : 'refuse')
  return root
}

/**
 * Verifies the successor of `previous`.
 *
 * Both must agree: the old keys, so that nobody can appoint themselves; and the new keys, so that nobody can be made an
 * owner (and the repository be bricked) without holding the keys. Exactly one version on, so that no revocation is skipped.
 *
 * @throws {TrustError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION`, `FORGED`, `ROLLED_BACK` or `MIXED`
 * @see TUF 5.3.4 and 5.3.5
 */
export function verifyNextRoot(bytes: Uint8Array, previous: MetadataFile<'root'>): MetadataFile<'root'> {
  const version = previous.version + 1
  const file = rootFileOf(version)
  const root = readMetadata('root', file, bytes)
  verifySignatures(root, [topLevelAuthority(previous.metadata.signed, 'root'), topLevelAuthority(root.metadata.signed, 'root')])
  if (root.version < version) throw new TrustError({ code: 'ROLLED_BACK', file, role: 'root', found: root.version, wanted: version })
  if (root.version > version) {
    throw new TrustError({ code: 'MIXED', file, role: 'root', what: 'version', found: `${root.version}`, wanted: `${version}` })
  }
  return root
}

/**
 * Whether what was signed under `before` may still be relied on under `after`: no role lost a key or asks for more of them.
 *
 * A stolen timestamp key can sign version 2^53 - 1, after which everything genuine looks rolled back (a fast-forward);
 * forgetting the versions seen whenever a key is withdrawn is what lets everyone recover.
 *
 * @see TUF 5.3.11
 */
export function keepsSigners(before: Root, after: Root): boolean {
  const roles: readonly TopLevelRole[] = ['timestamp', 'snapshot', 'targets']
  return roles.every((role) => {
    const [old, current] = [topLevelAuthority(before, role), topLevelAuthority(after, role)]
    return current.threshold <= old.threshold && [...old.keys.keys()].every((keyId) => current.keys.has(keyId))
  })
}
