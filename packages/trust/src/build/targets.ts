import type { RoleKeys } from '../keys.ts'
import { readMetadata } from '../metadata.ts'
import { fileOf } from '../names.ts'
import { releasePathsOf } from '../verify-targets.ts'
import { keysJson, roleJson } from './role-keys.ts'
import { parsePublicKey } from '../signer.ts'
import { seal, type Signing } from './seal.ts'

export interface TargetsInit extends Signing {
  /** The file that this one follows. */
  readonly previous?: Uint8Array
  /** Who speaks for each ledger, by name: all of them, not only new ones. */
  readonly ledgers: Readonly<Record<string, RoleKeys>>
}

/**
 * A new `targets.json`, which delegates each ledger's releases to that ledger's own keys.
 *
 * @throws {TrustError} `MALFORMED` for a bad ledger name or an unreachable threshold; `TOO_LARGE`
 */
export function newTargets({ previous, ledgers, ...signing }: TargetsInit): Uint8Array {
  const file = fileOf('targets')
  const version = previous === undefined ? 1 : readMetadata('targets', file, previous).version + 1
  const roles = Object.keys(ledgers)
    .sort()
    .map((name) => ({ ...roleJson(ledgers[name]!), name, paths: [releasePathsOf(name)], terminating: true }))
  return seal(
    { kind: 'targets', file, version, fields: { targets: {}, delegations: { keys: keysJson(Object.values(ledgers)), roles } } },
    signing,
  )
}

/**
 * Who speaks for each ledger according to `targets` (a `targets.json`), by name.
 *
 * @throws {TrustError} `MALFORMED`, `TOO_LARGE`
 */
export function delegatedKeys(targets: Uint8Array): Readonly<Record<string, RoleKeys>> {
  const { delegations } = readMetadata('targets', fileOf('targets'), targets).metadata.signed
  return Object.fromEntries(
    Object.entries(delegations?.roles ?? {}).map(([ledger, { keyIDs, threshold }]) => {
      const keys = keyIDs.map((keyId) => parsePublicKey(delegations?.keys[keyId]?.keyVal['public'] ?? ''))
      return [ledger, { keys, threshold }] as const
    }),
  )
}
