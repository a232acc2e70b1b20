import { createHash, hash } from 'node:crypto'
import { LedgerError } from './errors.ts'

/** 32 bytes as 64 lowercase hexadecimal digits: what blocks, payloads, committees and states are known by, and a key of maps. */
export type Digest = string

export const DIGEST_BYTES = 32

/** No digest: what a vote to skip signs, and what a field without a value holds. */
export const ZERO_DIGEST: Digest = '0'.repeat(2 * DIGEST_BYTES)

/** Parts up to this are put together before they are hashed. */
const COPIED_BYTES_MAX = 4096

/** SHA-256 over `tag`, a zero byte, and `parts` in order: one tag for each kind of thing, so that none can pass for another. */
export function taggedDigest(tag: string, ...parts: readonly Uint8Array[]): Digest {
  const head = Buffer.from(`${tag}\0`, 'latin1')
  // One call into the library costs less than three, and a copy of some hundred bytes nothing.
  if (parts.every(({ byteLength }) => byteLength <= COPIED_BYTES_MAX)) return hash('sha256', Buffer.concat([head, ...parts]), 'hex')
  const whole = createHash('sha256').update(head)
  for (const part of parts) whole.update(part)
  return whole.digest('hex')
}

export function digestBytes(digest: Digest): Uint8Array {
  const bytes = Buffer.from(digest, 'hex')
  if (bytes.byteLength !== DIGEST_BYTES) throw new LedgerError({ code: 'MALFORMED', what: 'digest', reason: `${digest.length} digits` })
  return bytes
}
