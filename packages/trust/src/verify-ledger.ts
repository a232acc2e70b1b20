import type { Snapshot, Targets } from '@tufjs/models'
import { TrustError } from './errors.ts'
import { type MetadataFile, readMetadata } from './metadata.ts'
import { fileOf, parseHeight, releasePath } from './names.ts'
import { readRelease, type Release } from './release.ts'
import { verifyListedBytes, verifyListedVersion } from './verify-listed.ts'
import { ledgerAuthority, verifySignatures } from './verify-signatures.ts'
import { listedTargets } from './verify-snapshot.ts'
import { ledgersOf } from './verify-targets.ts'

/**
 * Verifies the file of `ledger` that `snapshot` lists, by the keys that `targets` gives that ledger.
 *
 * @throws {TrustError} `UNKNOWN_LEDGER`, `TOO_LARGE`, `MALFORMED`, `UNSUPPORTED_VERSION`, `FORGED`, `MIXED` or `OUT_OF_SCOPE`
 * @see TUF 5.6.7, with one level of delegation
 */
export function verifyLedger(bytes: Uint8Array, ledger: string, targets: Targets, snapshot: Snapshot): MetadataFile<'ledger'> {
  const listed = listedTargets(snapshot, ledger)
  const authority = ledgerAuthority(targets, ledger)
  if (listed === undefined || authority === undefined)
    throw new TrustError({ code: 'UNKNOWN_LEDGER', ledger, known: ledgersOf(targets, snapshot) })
  verifyListedBytes(bytes, listed)
  const file = readMetadata('ledger', listed.file, bytes)
  verifySignatures(file, [authority])
  verifyListedVersion(file, listed)
  releasesOf(file)
  return file
}

/**
 * The releases that a ledger's file states, in ascending order of height.
 *
 * @throws {TrustError} `OUT_OF_SCOPE` for a path that is not the ledger's; `MIXED` or `MALFORMED` for one that contradicts itself
 */
export function releasesOf({ file, role: ledger, metadata }: MetadataFile<'ledger'>): readonly Release[] {
  const releases = Object.entries(metadata.signed.targets).map(([path, target]) =>
    readRelease(file, ledger, heightOf(file, ledger, path), target),
  )
  releases.sort((a, b) => a.height - b.height)
  const pointed = new Map<string, number>()
  for (const { height, channels } of releases) {
    for (const channel of channels) {
      const other = pointed.get(channel)
      if (other !== undefined)
        throw new TrustError({ code: 'MALFORMED', file, reason: `channel ${channel} points at heights ${other} and ${height}` })
      pointed.set(channel, height)
    }
  }
  return releases
}

/** Reads a ledger's own file, for whoever just signed it or has verified it before. */
export function readLedger(ledger: string, bytes: Uint8Array): readonly Release[] {
  return releasesOf(readMetadata('ledger', fileOf(ledger), bytes))
}

/** A ledger's signers are trusted for that ledger only: with a path of another's they would decide for it too. */
function heightOf(file: string, ledger: string, path: string): number {
  const height = parseHeight(path.slice(path.indexOf('/') + 1))
  if (height === undefined || path !== releasePath(ledger, height)) {
    throw new TrustError({ code: 'OUT_OF_SCOPE', file, role: ledger, found: path.slice(0, 160), wanted: `${ledger}/<height>` })
  }
  return height
}
