import { TrustError } from './errors.ts'
import type { MetadataFile } from './metadata.ts'

/**
 * Verifies that `file` still holds at `now` (milliseconds since the Unix epoch).
 *
 * An attacker who can only withhold what is new could otherwise keep a node at an old version for ever (a freeze);
 * expiry bounds that to the lifetime which the signer chose.
 *
 * @throws {TrustError} `EXPIRED`
 */
export function verifyUnexpired(file: MetadataFile, now: number): void {
  // Written so that an unusable clock (NaN) refuses.
  if (now < file.expiresAt) return
  throw new TrustError({ code: 'EXPIRED', file: file.file, role: file.role, expiresAt: file.expiresAt, now })
}
