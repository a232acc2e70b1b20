import { createHash } from 'node:crypto'
import { LedgerError } from './errors.ts'

/** 32 bytes as 64 lowercase hexadecimal digits: what blocks, payloads, committees and states are known by, and a key of maps. */
export type Digest = string

export const DIGEST_BYTES = 32

/** No digest: what a vote to skip signs, and what a field without a value holds. */
export const ZERO_DIGEST: Digest = '0'.repeat(2 * DIGEST_BYTES)

/** SHA-256 over `tag`, a zero byte, and `parts` in order: one tag for each kind of thing, so that none can pass for another. */
export function taggedDigest(tag: string, ...parts: readonly Uint8Array[]): Digest {
  const hash = createHash('sha256').update(`${tag}\0`, 'latin1')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

export function digestBytes(digest: Digest): Uint8Array {
  const bytes = Buffer.from(digest, 'hex')
  if (bytes.byteLength !== DIGEST_BYTES) throw new LedgerError({ code: 'MALFORMED', what: 'digest', reason: `${digest.length} digits` })
  return bytes
}
