import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { PUBLIC_KEY_BYTES } from './committee.ts'
import { LedgerError } from './errors.ts'

export const SIGNATURE_BYTES = 64

/** One key's power to sign. Signing the same bytes twice gives the same signature. */
export interface Signer {
  readonly publicKey: Uint8Array
  sign(bytes: Uint8Array): Uint8Array
}

export interface Verifier {
  /** Never throws: bytes of peers that are no key or no signature verify nothing. */
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean
}

// RFC 8410: the fixed bytes before an Ed25519 key in PKCS #8 and in SubjectPublicKeyInfo.
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** A signer from an Ed25519 seed of 32 bytes. */
export function ed25519Signer(seed: Uint8Array): Signer {
  if (seed.byteLength !== 32) throw new LedgerError({ code: 'MALFORMED', what: 'seed', reason: `${seed.byteLength} bytes` })
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  return {
    publicKey: new Uint8Array(spki.subarray(PUBLIC_PREFIX.byteLength)),
    sign: (bytes) => sign(null, bytes, key),
  }
}

/** Parsed keys kept: those of a few committees. Parsing costs about as much as half a verification. */
const KEYS_KEPT_MAX = 256

export function ed25519Verifier(): Verifier {
  const keys = new Map<string, KeyObject>()
  const keyOf = (publicKey: Uint8Array): KeyObject => {
    const name = Buffer.from(publicKey).toString('latin1')
    const known = keys.get(name)
    if (known !== undefined) return known
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, publicKey]), format: 'der', type: 'spki' })
    if (keys.size >= KEYS_KEPT_MAX) keys.clear()
    keys.set(name, key)
    return key
  }
  return {
    verify(publicKey, bytes, signature) {
      if (publicKey.byteLength !== PUBLIC_KEY_BYTES || signature.byteLength !== SIGNATURE_BYTES) return false
      try {
        return verify(null, bytes, keyOf(publicKey), signature)
      } catch {
        // 32 bytes need not be a point of the curve.
        return false
      }
    },
  }
}
