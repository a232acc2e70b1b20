import type { Checkpoint, Committee, LedgerId, LightProof } from '@cairn/ledger'
import type { EpochChanges } from './epochs/epoch-changes.ts'
import { genesisHeader } from './genesis.ts'

/** What leads a light client from the ledger's first block to `newest`; `undefined` while that, or how an epoch before it ended, is not known. */
export function lightProofTo(
  newest: Checkpoint | undefined,
  changes: Pick<EpochChanges, 'between'>,
  { ledger, genesis }: { readonly ledger: LedgerId; readonly genesis: Committee },
): LightProof | undefined {
  const epochs = newest && changes.between(0, newest.header.epoch)
  return epochs && { committee: genesis, trusted: genesisHeader(ledger, genesis), epochs, newest, consistency: [] }
}
