import { Buffer } from 'node:buffer'
import { type Digest, DIGEST_BYTES, digestBytes } from './digest.ts'
import { LedgerError } from './errors.ts'

/** Which ledger a signature is for. The same key signs for another one in vain. */
export interface LedgerId {
  readonly networkId: Digest
  /** u64. */
  readonly chainId: number
}

/** What a signature is about. The byte is part of what is signed, so that one kind never passes for another. */
export const SIGNED_KINDS = {
  proposal: 1,
  first: 2,
  extra: 3,
  final: 4,
  ready: 5,
  checkpoint: 6,
  epoch: 7,
} as const

export type SignedKind = keyof typeof SIGNED_KINDS

/** Domain tag of every signed preimage, 24 bytes. */
export const ENVELOPE_TAG = 'cairn-ledger-envelope-v1'

/** tag 24 | networkId 32 | chainId u64 | epoch u64 | slot u64 | kind u8 | digest 32, big-endian. */
export const ENVELOPE_BYTES = ENVELOPE_TAG.length + DIGEST_BYTES + 8 + 8 + 8 + 1 + DIGEST_BYTES

/** The bytes that a signature of `kind` over `digest` signs: alone enough to refuse replays from elsewhere and from before. */
export function signedBytes(ledger: LedgerId, kind: SignedKind, epoch: number, slot: number, digest: Digest): Uint8Array {
  const bytes = Buffer.alloc(ENVELOPE_BYTES)
  bytes.write(ENVELOPE_TAG, 0, 'latin1')
  bytes.set(digestBytes(ledger.networkId), 24)
  writeU64(bytes, ledger.chainId, 56)
  writeU64(bytes, epoch, 64)
  writeU64(bytes, slot, 72)
  bytes[80] = SIGNED_KINDS[kind]
  bytes.set(digestBytes(digest), 81)
  return bytes
}

function writeU64(bytes: Buffer, value: number, at: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new LedgerError({ code: 'MALFORMED', what: 'signed number', reason: `${value} is not one` })
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  bytes.writeUInt32BE(value % 2 ** 32, at + 4)
}
