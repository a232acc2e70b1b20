import type { Root, Snapshot, Targets } from '@tufjs/models'
import { TrustError } from './errors.ts'
import { type MetadataFile, readMetadata } from './metadata.ts'
import { fileOf } from './names.ts'
import { verifyListedBytes, verifyListedVersion } from './verify-listed.ts'
import { topLevelAuthority, verifySignatures } from './verify-signatures.ts'
import { listedTargets } from './verify-snapshot.ts'

/**
 * Verifies the top-level targets file that `snapshot` lists against `root`: who speaks for which ledger.
 *
 * @throws {TrustError} `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION`, `FORGED`, `MIXED`, `MISSING` or `OUT_OF_SCOPE`
 * @see TUF 5.6
 */
export function verifyTargets(bytes: Uint8Array, snapshot: Snapshot, root: Root): MetadataFile<'targets'> {
  const listed = listedTargets(snapshot, 'targets')
  if (listed === undefined) throw new TrustError({ code: 'MISSING', file: fileOf('targets'), role: 'targets' })
  verifyListedBytes(bytes, listed)
  const targets = readMetadata('targets', listed.file, bytes)
  verifySignatures(targets, [topLevelAuthority(root, 'targets')])
  verifyListedVersion(targets, listed)
  verifyDelegations(targets)
  return targets
}

/** The ledgers of a repository in alphabetical order: those that someone speaks for and that have spoken. */
export function ledgersOf(targets: Targets, snapshot: Snapshot): readonly string[] {
  const delegated = Object.keys(targets.delegations?.roles ?? {})
  return delegated.filter((ledger) => listedTargets(snapshot, ledger) !== undefined).sort()
}

/** One ledger's keys must never come to speak for another's releases: each role has its own name's paths and no pattern else. */
function verifyDelegations({ file, metadata }: MetadataFile<'targets'>): void {
  for (const { name, paths = [] } of Object.values(metadata.signed.delegations?.roles ?? {})) {
    const wanted = releasePathsOf(name)
    if (paths.length !== 1 || paths[0] !== wanted)
      throw new TrustError({ code: 'OUT_OF_SCOPE', file, role: name, found: paths.join(', ').slice(0, 160), wanted })
  }
}

/** The path pattern that is delegated to `ledger`. */
export function releasePathsOf(ledger: string): string {
  return `${ledger}/*`
}
