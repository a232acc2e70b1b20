import type { Committee, LedgerId, Role, Settings, Signer } from '@cairn/ledger'
import type { Transport } from '@cairn/network'
import type { Clock } from '@cairn/runtime'
import { heldKeys, type KeyRing } from './epochs/key-ring.ts'
import type { ReplicaError } from './errors.ts'
import type { ReplicaEvent } from './events.ts'

export interface ReplicaInit {
  /** Holds the log and the state, and nothing else. */
  readonly directory: string
  readonly ledger: LedgerId
  /** The committee that the ledger began with. */
  readonly genesis: Committee
  /** The key that it signs with; a ring of keys where they change. */
  readonly signer: Signer | KeyRing
  readonly role?: Role
  readonly settings?: Settings
  /** Whether clients must sign their operations; off only where whoever reaches the replica is trusted. All seats agree on it. */
  readonly signedOperations: boolean
  readonly transport: Transport
  readonly clock: Clock
  /** Heights between checkpoints: the same at all seats. */
  readonly checkpointHeights?: number
  /** Heights whose states can be read, and whose blocks are kept behind the newest certified checkpoint. */
  readonly heightsKept?: number
  /** How often a replica that does not get on asks for a way. */
  readonly askMs?: number
  /** Why this replica signs nothing, for whoever asks for its status. */
  readonly silence?: string
  /**
   * Makes a state that the log can rely on, in place of one that was set aside, and says `state-rebuilt` when it is there. Until the replica is
   * stopped and started again it signs nothing, and what its log holds is neither looked at nor forgotten.
   */
  readonly rebuilds?: boolean
  /** Size of the log's segments. */
  readonly segmentBytes?: number
  /** Hears of everything that a metric or a log line may be made of. */
  readonly observe?: (event: ReplicaEvent) => void
  /** The disk failed: nothing more is said, and the process must end. */
  readonly onFailure: (error: ReplicaError) => void
}

export type KeyedInit = ReplicaInit & { readonly signer: KeyRing }

/** The keys that `init` hands over: none while their seat does not look at what they have signed. */
export function keysOf({ signer, rebuilds }: ReplicaInit): KeyRing {
  if (rebuilds === true) return heldKeys()
  return 'signerOf' in signer ? signer : heldKeys(signer)
}
