import { type Committee, createCommittee, type CommitteeSize, PRESETS, type PresetName } from '../src/committee.ts'
import type { LedgerId } from '../src/envelope.ts'
import { ed25519Signer, type Signer } from '../src/signing.ts'

export const LEDGER: LedgerId = { networkId: 'ab'.repeat(32), chainId: 7 }

export const digestOf = (byte: number): string => byte.toString(16).padStart(2, '0').repeat(32)

/** Real keys from fixed seeds: `count` seats named p0, p1, … */
export function signersOf(count: number, first = 1): readonly Signer[] {
  return Array.from({ length: count }, (_, seat) => ed25519Signer(new Uint8Array(32).fill(first + seat)))
}

export function committeeOf(preset: PresetName, signers: readonly Signer[]): Committee {
  const size: CommitteeSize = PRESETS[preset]
  return createCommittee(
    size,
    signers.map(({ publicKey }, seat) => ({ peer: `p${seat}`, publicKey, role: 'full' })),
  )
}
