import type { StateProof } from '@cairn/ledger'

/** An answer, and how much it is worth. */
export interface ReadAnswer {
  readonly value: Uint8Array | undefined
  readonly height: number
  readonly stateRoot: string
  /** That this is what the state at `stateRoot` says. */
  readonly proof: StateProof
}
