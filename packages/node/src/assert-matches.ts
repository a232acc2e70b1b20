import type { SnapshotIndex } from '@cairn/protocol'
import type { Release } from '@cairn/trust'
import { NodeError } from './errors.ts'

/**
 * The signature covers the manifest's name; that the manifest is of the ledger and height it was signed for is checked here.
 *
 * @throws {NodeError} `MANIFEST_MISMATCH`
 */
export function assertMatches({ root, cid }: SnapshotIndex, release: Release, network: string): void {
  const checks = [
    { what: 'network', found: root.network, wanted: network },
    { what: 'ledger', found: root.ledger, wanted: release.ledger },
    { what: 'height', found: String(root.height), wanted: String(release.height) },
  ]
  for (const { what, found, wanted } of checks) {
    if (found !== wanted) throw new NodeError({ code: 'MANIFEST_MISMATCH', snapshot: cid.toString(), what, found, wanted })
  }
}
