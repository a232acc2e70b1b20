import { createPublicKey, type KeyObject, sign } from 'node:crypto'
import { TrustError } from './errors.ts'
import { keyIdOf, type PublicKey } from './keys.ts'

/** A key that can sign. Where the private half lives (a file, a token, another machine) is its own business. */
export interface Signer extends PublicKey {
  /** The Ed25519 signature of `bytes`, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
}

/**
 * A signer over a private key in memory.
 *
 * @throws {TrustError} `BAD_KEY` if it is not an Ed25519 private key
 */
export function createSigner(privateKey: KeyObject): Signer {
  if (privateKey.type !== 'private' || privateKey.asymmetricKeyType !== 'ed25519') {
    throw new TrustError({
      code: 'BAD_KEY',
      reason: `${privateKey.asymmetricKeyType ?? 'symmetric'} ${privateKey.type} key, not an Ed25519 private key`,
    })
  }
  // The raw key is what a JWK carries in base64url.
  const { x } = createPublicKey(privateKey).export({ format: 'jwk' })
  const key = parsePublicKey(Buffer.from(x ?? '', 'base64url').toString('hex'))
  return { ...key, sign: (bytes) => sign(null, bytes, privateKey) }
}

/**
 * Reads a public key from 64 lower-case hex digits: a key whose private half is elsewhere.
 *
 * @throws {TrustError} `BAD_KEY`
 */
export function parsePublicKey(publicKey: string): PublicKey {
  if (!/^[0-9a-f]{64}$/.test(publicKey)) throw new TrustError({ code: 'BAD_KEY', reason: 'not 64 lower-case hex digits' })
  return { keyId: keyIdOf(publicKey), publicKey }
}
