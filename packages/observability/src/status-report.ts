/**
 * What `/status` of every role answers, and `cairn status` shows. Roles add members of their own;
 * readers ignore those they do not know.
 */
export interface StatusReport {
  readonly role: string
  readonly version: string
  readonly peer: string
  /** Multiaddrs this peer can be dialled at. */
  readonly addresses: readonly string[]
  readonly uptimeMs: number
  readonly ready: boolean
  /** Why it is, or is not, ready. */
  readonly reason: string
  readonly snapshots: readonly SnapshotStatus[]
  readonly peers: readonly PeerStatus[]
  /** Of a replica: where it is in its ledger. */
  readonly ledger?: LedgerStatus
}

export interface SnapshotStatus {
  readonly ledger: string
  readonly height: number
  /** CID of the manifest root. */
  readonly manifest: string
  /** `complete`, or the stage under way. */
  readonly stage: string
  /** Verified bytes present. */
  readonly bytes: number
  readonly bytesTotal: number
  readonly bytesPerSecond?: number
  readonly etaMs?: number
  /** Why nothing moves, while nothing does. */
  readonly stall?: string
}

export interface PeerStatus {
  readonly peer: string
  readonly state: 'connected' | 'disconnected' | 'banned'
  readonly address?: string
  /** Verified bytes that came from it. */
  readonly bytesFetched: number
  readonly bytesServed: number
  /** What it did last that it should not have, such as a block that did not match its identifier. */
  readonly fault?: string
  readonly faultsCount: number
  /** Why a download gave it up last, for a while or for good; absent once it was taken back. */
  readonly dropped?: string
}

export interface LedgerStatus {
  /** Network and chain. */
  readonly chain: string
  readonly epoch: number
  readonly slot: number
  /** Absent for one that only follows. */
  readonly seat?: number
  readonly finalHeight: number
  readonly appliedHeight: number
  /** 0 while there is none. */
  readonly checkpointHeight: number
  readonly seats: readonly SeatStatus[]
}

export interface SeatStatus {
  readonly seat: number
  readonly peer: string
  readonly state: 'self' | 'connected' | 'disconnected'
  /** Slots since it was last heard of. */
  readonly behindSlots: number
}
