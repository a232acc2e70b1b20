import { createHash } from 'node:crypto'
import { ed25519Signer, ed25519Verifier, type Signer, type Verifier } from '@cairn/ledger'

/** Keys of one run: named, and the same for the same seed. */
export interface Keys {
  readonly verifier: Verifier
  signer(name: string): Signer
}

export function realKeys(seed: number): Keys {
  return { verifier: ed25519Verifier(), signer: (name) => ed25519Signer(seedBytes(seed, name)) }
}

/**
 * Signatures that cost next to nothing and that no actor can forge: a signature is an object that this closure remembers having made,
 * for which key and over which bytes. Whatever was not made by the key's own signer verifies nothing.
 */
export function simulatedKeys(seed: number): Keys {
  const made = new WeakMap<Uint8Array, { readonly key: string; readonly bytes: Uint8Array }>()
  const nameOf = (publicKey: Uint8Array): string => Buffer.from(publicKey).toString('latin1')
  return {
    verifier: {
      verify(publicKey, bytes, signature) {
        const known = made.get(signature)
        return known !== undefined && known.key === nameOf(publicKey) && Buffer.compare(known.bytes, bytes) === 0
      },
    },
    signer(name) {
      const publicKey = new Uint8Array(seedBytes(seed, name))
      const key = nameOf(publicKey)
      return {
        publicKey,
        sign(bytes) {
          const signature = new Uint8Array(64)
          made.set(signature, { key, bytes })
          return signature
        },
      }
    },
  }
}

function seedBytes(seed: number, name: string): Uint8Array {
  return createHash('sha256').update(`${seed}/${name}`).digest()
}
