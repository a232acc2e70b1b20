import { readMetadata } from './metadata.ts'
import { fileOf } from './names.ts'
import type { TrustState } from './trust-state.ts'
import { verifyTimestamp } from './verify-timestamp.ts'
import { verifyUnexpired } from './verify-unexpired.ts'

/**
 * Judges a timestamp that was announced, for a price that gossip can pay: one signature, and nothing is fetched.
 * `newer` is worth a {@link TrustUpdate} and passing on; `known` is the one that `state` holds.
 *
 * @throws {TrustError} `ROLLED_BACK` (an honest peer may be behind), `EXPIRED`, or for what no honest peer sends:
 *   `FORGED`, `MIXED`, `MALFORMED`, `TOO_LARGE`, `UNSUPPORTED_VERSION`. `FORGED` also where `state` lacks a newer root.
 */
export function judgeTimestamp(state: TrustState, bytes: Uint8Array, now: number): 'newer' | 'known' {
  // The state is our own: its chain of roots was followed before.
  const root = readMetadata('root', fileOf('root'), state.root)
  const known = state.timestamp === undefined ? undefined : readMetadata('timestamp', fileOf('timestamp'), state.timestamp)
  const timestamp = verifyTimestamp(bytes, root.metadata.signed, known)
  verifyUnexpired(timestamp, now)
  return known === undefined || timestamp.version > known.version ? 'newer' : 'known'
}
