import type { CommitteeText } from '../epochs/next-committee.ts'

/** What a client and a replica say to each other over HTTP: JSON, bytes in base64. */
export const PATHS = {
  submit: '/v1/submit',
  read: '/v1/read',
  status: '/v1/status',
  ledger: '/v1/ledger',
  lightProof: '/v1/light-proof',
  committee: '/v1/committee',
} as const

export interface SubmitRequest {
  readonly id: string
  readonly body: string
}

/**
 * How fresh a read is. `local`: what is final and applied at the replica that was asked, which may lag. `final`: at least all that was final
 * anywhere when it was asked.
 */
export type ReadLevel = 'local' | 'final'

export interface ReadResponse {
  readonly level: ReadLevel
  /** `null` for none. */
  readonly value: string | null
  readonly height: number
  readonly stateRoot: string
  /** Pages from the state root to the key. */
  readonly proof: readonly string[]
}

export interface StatusResponse {
  readonly epoch: number
  readonly slot: number
  readonly height: number
  readonly finalHeight: number
  readonly stateRoot: string
  readonly halted: boolean
  /** Seat in the epoch; `null` for a replica that follows and signs nothing. */
  readonly seat: number | null
  /** The epoch after which this replica was removed; `null` for one that has its seat, or never had any. */
  readonly removedAfter: number | null
  /** Hash of the committee that its operator wants next, until that is there. */
  readonly wanted: string | null
  /** Light clients can be led to this epoch: soon after it begins. */
  readonly provenEpoch: number
  /** Height of the newest checkpoint that a quorum stands for. */
  readonly checkpointHeight: number | null
  /** Since it started: syncs of its log, and messages to other seats. */
  readonly syncs: number
  readonly messages: number
}

/** Who decides, as the replica that was asked knows. */
export interface CommitteeResponse extends CommitteeText {
  readonly epoch: number
}

/** A submission is answered when it is final, or after this long as unknown; the client may ask again. */
export const SUBMIT_MS_MAX = 30_000
/** A read that must be fresh is answered within this, or not at all. */
export const READ_MS_MAX = 10_000
/** An operation of the largest size in base64, and the braces around it. */
export const REQUEST_BYTES_MAX = 64 * 1024
/** Connections of clients at once. */
export const CONNECTIONS_MAX = 1024
