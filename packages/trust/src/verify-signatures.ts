import type { Key, Root, Targets } from '@tufjs/models'
import { TrustError } from './errors.ts'
import type { MetadataFile } from './metadata.ts'

/** Whose signatures make a file a statement of `role`. */
export interface Authority {
  readonly role: string
  readonly keys: ReadonlyMap<string, Key>
  readonly threshold: number
}

export type TopLevelRole = 'root' | 'timestamp' | 'snapshot' | 'targets'

/** Who `root` says may sign for one of the four top-level roles. */
export function topLevelAuthority(root: Root, role: TopLevelRole): Authority {
  return authority(role, root.roles[role], root.keys)
}

/** Who `targets` says may sign for `ledger`; undefined if it knows no such ledger. */
export function ledgerAuthority(targets: Targets, ledger: string): Authority | undefined {
  const roles = targets.delegations?.roles ?? {}
  return Object.hasOwn(roles, ledger) ? authority(ledger, roles[ledger], targets.delegations?.keys ?? {}) : undefined
}

/**
 * Verifies that `file` carries the threshold of valid signatures of each of `authorities`, and no other signature.
 *
 * Signatures beyond the threshold are held to the same standard, because whoever relays a file could otherwise add and alter
 * them at will and give one statement many byte forms. `strangers: 'ignore'` admits signatures of keys that no authority
 * names: those that the predecessor of a root left on it.
 *
 * @throws {TrustError} `FORGED`
 */
export function verifySignatures(file: MetadataFile, authorities: readonly Authority[], strangers: 'refuse' | 'ignore' = 'refuse'): void {
  const valid = new Set<string>()
  let fault: string | undefined
  for (const keyId of Object.keys(file.metadata.signatures)) {
    const key = authorities.map(({ keys }) => keys.get(keyId)).find((key) => key !== undefined)
    if (key === undefined) {
      // A key of another role, of a revoked signer, or of the attacker: the same to us.
      if (strangers === 'refuse') fault ??= `key ${keyId} has no part in the role`
    } else if (isSignedBy(file, key)) valid.add(keyId)
    else fault ??= `the signature of key ${keyId} is wrong`
  }
  for (const { role, keys, threshold } of authorities) {
    const count = [...keys.keys()].filter((keyId) => valid.has(keyId)).length
    const reason = fault ?? (count < threshold ? 'signatures are missing' : undefined)
    if (reason !== undefined) throw new TrustError({ code: 'FORGED', file: file.file, role, reason, found: count, wanted: threshold })
  }
}

function isSignedBy(file: MetadataFile, key: Key): boolean {
  try {
    key.verifySignature(file.metadata)
    return true
  } catch {
    // The library throws for a wrong signature and for a key or signature that it cannot read: neither counts.
    return false
  }
}

function authority(
  role: string,
  signers: { readonly keyIDs: readonly string[]; readonly threshold: number } | undefined,
  keys: Readonly<Record<string, Key>>,
): Authority {
  // No signers would make any file valid: a role that is not there can never be met.
  if (signers === undefined) return { role, keys: new Map(), threshold: Number.POSITIVE_INFINITY }
  const own = signers.keyIDs.flatMap((keyId) => (Object.hasOwn(keys, keyId) ? [[keyId, keys[keyId]!] as const] : []))
  return { role, keys: new Map(own), threshold: signers.threshold }
}
