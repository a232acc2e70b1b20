import { readMetadata } from './metadata.ts'
import { fileOf, rootFileOf } from './names.ts'
import type { TrustState } from './trust-state.ts'

/**
 * What someone with `state` can answer when asked for metadata file `file` (`timestamp.json`, `2.root.json`, `alpha.json`),
 * so that everyone who follows a repository is a source of it too. `file` may be anything.
 */
export function metadataFile(state: TrustState, file: string): Uint8Array | undefined {
  const { root, predecessors = [], timestamp, snapshot, targets, ledgers } = state
  for (const [role, bytes] of Object.entries({ root, timestamp, snapshot, targets })) if (file === fileOf(role)) return bytes
  for (const [ledger, bytes] of Object.entries(ledgers)) if (file === fileOf(ledger)) return bytes
  if (!file.endsWith('.root.json')) return undefined
  return [...predecessors, root].find((bytes) => file === rootFileOf(readMetadata('root', fileOf('root'), bytes).version))
}

/**
 * Whether `state` goes back to `rootJson`, or came past it: a state that does not belongs to another repository, or to an
 * owner that its keeper has since ceased to trust.
 */
export function isFoundedOn(state: TrustState, rootJson: Uint8Array): boolean {
  return [...(state.predecessors ?? []), state.root].some((bytes) => Buffer.compare(bytes, rootJson) === 0)
}
