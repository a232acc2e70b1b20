import type { Verifier } from '@cairn/ledger'

/** Signatures remembered: those of some seconds. 200 bytes each. */
const REMEMBERED_MAX = 16_384

interface Verified {
  readonly publicKey: Uint8Array
  readonly bytes: Uint8Array
}

/**
 * A verifier that does not check twice what was good: a vote comes alone, and again in every certificate that it is part of. What was bad is
 * checked each time, so nobody can fill the memory with it.
 */
export function rememberingVerifier(verifier: Verifier, rememberedMax = REMEMBERED_MAX): Verifier {
  /** By signature, the oldest first. */
  const known = new Map<string, Verified>()
  return {
    verify(publicKey, bytes, signature) {
      const name = Buffer.from(signature).toString('latin1')
      const found = known.get(name)
      // The same signature under something else is another question.
      if (found !== undefined && Buffer.compare(found.bytes, bytes) === 0 && Buffer.compare(found.publicKey, publicKey) === 0) return true
      if (!verifier.verify(publicKey, bytes, signature)) return false
      known.set(name, { publicKey: new Uint8Array(publicKey), bytes: new Uint8Array(bytes) })
      if (known.size > rememberedMax) {
        const [oldest] = known.keys()
        if (oldest !== undefined) known.delete(oldest)
      }
      return true
    },
  }
}
