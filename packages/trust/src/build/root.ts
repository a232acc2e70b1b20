import type { RoleKeys } from '../keys.ts'
import { readMetadata } from '../metadata.ts'
import { fileOf } from '../names.ts'
import type { TopLevelRole } from '../verify-signatures.ts'
import { keysJson, roleJson } from './role-keys.ts'
import { seal, type Signing } from './seal.ts'

export interface RootInit extends Signing {
  /** The root that this one succeeds; its signers must sign too. */
  readonly previous?: Uint8Array
  readonly roles: Readonly<Record<TopLevelRole, RoleKeys>>
}

/**
 * A new `root.json`: who may sign for each top-level role. Consistent snapshots are off: files are asked for by role.
 *
 * @throws {TrustError} `MALFORMED` or `TOO_LARGE` if no client could accept it
 */
export function newRoot({ previous, roles, ...signing }: RootInit): Uint8Array {
  const file = fileOf('root')
  const version = previous === undefined ? 1 : readMetadata('root', file, previous).version + 1
  const { root, snapshot, targets, timestamp } = roles
  const fields = {
    consistent_snapshot: false,
    keys: keysJson([root, snapshot, targets, timestamp]),
    roles: { root: roleJson(root), snapshot: roleJson(snapshot), targets: roleJson(targets), timestamp: roleJson(timestamp) },
  }
  return seal({ kind: 'root', file, version, fields }, signing)
}
