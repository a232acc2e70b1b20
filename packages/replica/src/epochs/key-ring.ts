import type { Signer } from '@cairn/ledger'

/** The keys of one replica: the one that it signs with, and one that joins when the epoch ends. */
export interface KeyRing {
  /** `undefined` for a key of others, and for one that must not sign. */
  signerOf(publicKey: Uint8Array): Signer | undefined
  /** All keys that are kept, also those that must not sign. */
  readonly publicKeys: readonly Uint8Array[]
  /** A key's time is over: when this returns it is gone, also from the disk. One that is not there is gone already. */
  erase(publicKey: Uint8Array): void
}

/** Keys that are nowhere on this disk. */
export function heldKeys(...signers: readonly Signer[]): KeyRing {
  let held = signers
  return {
    signerOf: (publicKey) => held.find((signer) => isSameKey(publicKey, signer.publicKey)),
    get publicKeys() {
      return held.map((signer) => signer.publicKey)
    },
    erase(publicKey) {
      held = held.filter((signer) => !isSameKey(publicKey, signer.publicKey))
    },
  }
}

export function isSameKey(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
