import { proveKey, readState } from '@cairn/ledger'
import type { StateStore } from '../state/state-store.ts'

import type { StateProof } from '@cairn/ledger'

/** An answer, and how much it is worth. */
export interface ReadAnswer {
  readonly value: Uint8Array | undefined
  readonly height: number
  readonly stateRoot: string
  /** That this is what the state at `stateRoot` says. */
  readonly proof: StateProof
}

/** The newest state's answer. */
export function readAnswer(store: StateStore, key: Uint8Array): ReadAnswer {
  const { height, root } = store.state
  const stateRoot = Buffer.from(root.hash).toString('hex')
  const full = Buffer.concat([Uint8Array.of(1), key])
  return { value: readState(store, root, key), height, stateRoot, proof: proveKey(store, root, full) }
}
