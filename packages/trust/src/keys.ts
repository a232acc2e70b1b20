import { sha256 } from '@cairn/protocol'
import { encodeCanonical, type JsonObject } from './canonical-json.ts'

/** The public half of a signing key. */
export interface PublicKey {
  /** 64 lower-case hex digits, see {@link keyIdOf}. */
  readonly keyId: string
  /** The 32 bytes of an Ed25519 public key in lower-case hex. */
  readonly publicKey: string
}

/** Which keys may sign for a role, and how many of them must. */
export interface RoleKeys {
  readonly keys: readonly PublicKey[]
  readonly threshold: number
}

/** The id of an Ed25519 key: the hash of its canonical form, so that no key can have two. */
export function keyIdOf(publicKey: string): string {
  return Buffer.from(sha256(encodeCanonical(keyJson(publicKey)))).toString('hex')
}

/** A key as metadata spells it. */
export function keyJson(publicKey: string): JsonObject {
  return { keytype: 'ed25519', keyval: { public: publicKey }, scheme: 'ed25519' }
}
