import type { BlockHeader, Certificate, ChainPoint, CommitteeSize, Vote } from '@cairn/ledger'

/** Hears what the checker hears, in the order in which it happens, and before it is checked. */
export interface LedgerObserver {
  /** The first epoch: its committee, the seats of the adversary, and the block from which it starts. */
  started(size: CommitteeSize, byzantine: readonly number[], base: ChainPoint): void
  /** An honest vote once it is durable and again when it leaves, one of the adversary's when it is let out. */
  vote(vote: Vote): void
  /** One that an honest replica believes. */
  certificate(certificate: Certificate): void
  header(header: BlockHeader): void
  /** `point` is final at `node`. */
  final(point: ChainPoint, node: number): void
}
