import type { Certificate } from '../certificate.ts'
import type { Committee } from '../committee.ts'
import type { Digest } from '../digest.ts'
import type { BlockHeader, ChainPoint } from '../header.ts'
import type { Operation, Payload } from '../payload.ts'
import type { Vote, VoteKind } from '../votes.ts'
import type { Evidence } from './evidence.ts'

/** Where a message comes from or goes to; the sender's name is true because the channel is authenticated. */
export type PeerId = string

/** A header as its leader signed it. */
export interface SignedHeader {
  readonly header: BlockHeader
  readonly signature: Uint8Array
}

/** What replicas say to each other. */
export type Message =
  | { readonly type: 'proposal'; readonly proposal: SignedHeader }
  | { readonly type: 'payload'; readonly payload: Payload }
  | { readonly type: 'vote'; readonly vote: Vote }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  | { readonly type: 'fetch'; readonly want: Want }
  /** Answers a `sync`: blocks and certificates in the order in which they help. */
  | { readonly type: 'batch'; readonly items: readonly BatchItem[]; readonly height: number }
  | { readonly type: 'operations'; readonly operations: readonly Operation[] }
  | { readonly type: 'ready'; readonly ready: Ready }
  | { readonly type: 'committee'; readonly committee: Committee; readonly readies: readonly Ready[] }
  | { readonly type: 'evidence'; readonly evidence: Evidence }

export type Want =
  /** All final blocks above `height`, then the certificates of open slots from `slot` on. */
  | { readonly type: 'sync'; readonly height: number; readonly slot: number }
  | { readonly type: 'block'; readonly digest: Digest }
  /** All certificates of an open slot. */
  | { readonly type: 'slot'; readonly slot: number }
  | { readonly type: 'payload'; readonly root: Digest }
  /** A next committee, with the proofs that it is ready. */
  | { readonly type: 'committee'; readonly hash: Digest }

export interface BatchItem {
  readonly proposal?: SignedHeader
  readonly certificate?: Certificate
  /** The committee that the block before names, for who was not told of it. */
  readonly committee?: Committee
}

/** Somebody is ready for the next committee: see `readyBytes`. */
export interface Ready {
  /** The one that ends with it. */
  readonly epoch: number
  readonly committee: Digest
  readonly publicKey: Uint8Array
  readonly signature: Uint8Array
}

/** Where an epoch starts and who decides in it. */
export interface EpochStart {
  readonly number: number
  readonly committee: Committee
  /** The last block of the epoch before, or genesis. */
  readonly base: ChainPoint
}

/** What must outlive a crash, in the order in which it was decided. */
export type LogRecord =
  | { readonly type: 'vote'; readonly epoch: number; readonly slot: number; readonly kind: VoteKind; readonly digest: Digest }
  /** P3: this seat led the slot with this header. */
  | { readonly type: 'proposed'; readonly epoch: number; readonly slot: number; readonly digest: Digest }
  | { readonly type: 'block'; readonly proposal: SignedHeader }
  | { readonly type: 'payload'; readonly payload: Payload }
  | { readonly type: 'certificate'; readonly certificate: Certificate }
  /** Goes before a vote for a block that names it: whoever can make the block final can say who comes next. */
  | { readonly type: 'committee'; readonly committee: Committee }
  /** That a key that joins is ready, before the committee that it joins. */
  | { readonly type: 'ready'; readonly ready: Ready }
  /** P6: a new epoch, before anything is signed in it. */
  | { readonly type: 'epoch'; readonly start: EpochStart }
