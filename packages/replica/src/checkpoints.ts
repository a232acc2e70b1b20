import {
  ByteReader,
  type ChainPoint,
  type Checkpoint,
  type CheckpointHeader,
  type Committee,
  decodeCheckpoint,
  type Digest,
  encodeCheckpoint,
  encodeCheckpointHeader,
  encodeLogRecord,
  type LedgerId,
  type LogRecord,
  readPoint,
  type Signer,
  type Verifier,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { Checkpointer } from './checkpointer.ts'
import type { CheckpointMessage } from './checkpoint-message.ts'
import { CHECKPOINT_HEIGHTS } from './limits.ts'
import type { ReplicaLog } from './log/log.ts'
import { LogMarks } from './log-marks.ts'
import type { StateStore } from './state/state-store.ts'

export interface CheckpointsInit {
  readonly ledger: LedgerId
  readonly genesis: Digest
  readonly signer: Signer
  readonly verifier: Verifier
  readonly store: StateStore
  readonly log: ReplicaLog
  readonly checkpointHeights?: number
  /** The committee of an epoch, as long as it is known. */
  readonly committeeOf: (epoch: number) => Committee | undefined
  /** Tells the other seats. */
  readonly send: (committee: Committee, message: CheckpointMessage) => void
}

/**
 * Every so many heights: puts the state on disk, signs what the ledger is there, gathers a quorum that did the same, and only then forgets the
 * log behind it (P5): whoever signed has it on disk, and among a quorum are enough that hold the state.
 */
export class Checkpoints {
  readonly #init: CheckpointsInit
  readonly #checkpointer: Checkpointer
  readonly #marks = new LogMarks()
  #pruning: Promise<void> = Promise.resolve()

  constructor(init: CheckpointsInit) {
    this.#init = init
    this.#checkpointer = new Checkpointer(init.ledger, init.signer, init.verifier)
  }

  /** The newest checkpoint that a quorum stands for. */
  get newest(): Checkpoint | undefined {
    const bytes = this.#init.store.newestCheckpoint()
    return bytes && decodeCheckpoint(bytes)
  }

  /** `record` stands in the log at `seq` or behind it, which is behind all that is durable unless it was read from there. */
  note(record: LogRecord, current: number, seq: number = this.#init.log.lastSeq + 1): void {
    this.#marks.note(record, seq, current)
  }

  /** The block at `point` has been applied. */
  applied(point: ChainPoint, payloadRoot: Digest): void {
    const { store, committeeOf, send, checkpointHeights = CHECKPOINT_HEIGHTS } = this.#init
    if (point.height % checkpointHeights !== 0) return
    const committee = committeeOf(point.epoch)
    if (committee === undefined) return
    const header = this.#headerOf(point, payloadRoot, committee)
    store.putCheckpoint(point.height, encodeCheckpointHeader(header))
    store.sync()
    const message = this.#checkpointer.sign(header, committee)
    if (message === undefined) return
    send(committee, message)
    this.hear(message)
  }

  /** A seat stands for a checkpoint. */
  hear(message: CheckpointMessage): void {
    const checkpoint = this.#checkpointer.hear(message)
    if (checkpoint === undefined) return
    const { header } = checkpoint
    this.#init.store.putCheckpoint(header.height, encodeCheckpointHeader(header), encodeCheckpoint(checkpoint))
    this.#pruning = this.#pruning.then(() => this.#prune(header.slot))
    // A disk that fails here fails the log, which says so itself.
    this.#pruning.catch(() => undefined)
  }

  /** Waits for what is being forgotten. */
  async stop(): Promise<void> {
    await this.#pruning.catch(() => undefined)
  }

  #headerOf({ epoch, slot, height, nextCommittee }: ChainPoint, payloadRoot: Digest, committee: Committee): CheckpointHeader {
    const { store, ledger, genesis } = this.#init
    const before = store.pointAt(height - 1)
    return {
      ...ledger,
      epoch,
      slot,
      height,
      parent: before === undefined ? genesis : readPoint(new ByteReader(before, 'kept point')).digest,
      payloadRoot,
      stateRoot: Buffer.from(store.state.root.hash).toString('hex'),
      stateHeight: height,
      historyRoot: store.history.root(),
      historySize: store.history.size,
      outboxRoot: ZERO_DIGEST,
      inboxRoot: ZERO_DIGEST,
      policyRoot: ZERO_DIGEST,
      committee: committee.hash,
      nextCommittee,
    }
  }

  async #prune(slot: number): Promise<void> {
    const { log } = this.#init
    const keepFrom = Math.min(this.#marks.neededAfter(slot), log.lastSeq + 1)
    // What the epoch began with is needed for as long as it lasts.
    await log.append(...this.#marks.standing.map(encodeLogRecord))
    await log.prune(keepFrom)
  }
}
