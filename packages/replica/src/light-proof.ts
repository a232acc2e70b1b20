import type { Checkpoint, Committee, EpochRecord, LedgerId, LightProof } from '@cairn/ledger'
import { genesisHeader } from './genesis.ts'

/** What leads a light client from the ledger's first block to `newest`; `epochs` are the records of all epochs before its own. */
export function lightProofTo(newest: Checkpoint, epochs: readonly EpochRecord[], ledger: LedgerId, genesis: Committee): LightProof {
  return { committee: genesis, trusted: genesisHeader(ledger, genesis), epochs, newest, consistency: [] }
}
