import {
  ByteReader,
  ByteWriter,
  type ChainPoint,
  type Checkpoint,
  type CheckpointHeader,
  type Committee,
  decodeCheckpoint,
  type Digest,
  encodeCheckpoint,
  encodeCheckpointHeader,
  type EpochStart,
  encodeLogRecord,
  type LedgerId,
  type LogRecord,
  readEpochStart,
  readPoint,
  type Signer,
  type Verifier,
  verifyCheckpoint,
  writeEpochStart,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { Checkpointer } from './checkpointer.ts'
import type { CheckpointMessage } from './checkpoint-message.ts'
import { CHECKPOINT_HEIGHTS, FORGOTTEN_BLOCKS_MAX, HEIGHTS_KEPT } from './limits.ts'
import type { ReplicaLog } from './log/log.ts'
import { LogMarks } from './log/log-marks.ts'
import type { StateAnchors } from './state/state-anchors.ts'
import type { StateStore } from './state/state-store.ts'

export interface CheckpointsInit {
  readonly ledger: LedgerId
  readonly genesis: Digest
  readonly signerOf: (publicKey: Uint8Array) => Signer | undefined
  readonly verifier: Verifier
  readonly store: StateStore
  readonly log: ReplicaLog
  readonly checkpointHeights?: number
  /** Heights behind the newest certified checkpoint whose blocks are kept. */
  readonly heightsKept?: number
  /** The oldest height that somebody is fetching the state of. */
  readonly heldHeight: () => number | undefined
  /** What is kept in the superblock. */
  readonly anchors: StateAnchors
  /** What the log must hold whatever it forgets. */
  readonly standing: () => readonly LogRecord[]
  /** How an epoch began, as long as it lasts. */
  readonly startOf: (epoch: number) => EpochStart | undefined
  /** The log is left as it is. */
  readonly rebuilds?: boolean
  /** A checkpoint is certified, and on disk with that. */
  readonly onCertified?: (height: number) => void
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
    this.#checkpointer = new Checkpointer(init.ledger, init.signerOf, init.verifier)
  }

  /** The newest checkpoint that a quorum stands for. */
  get newest(): Checkpoint | undefined {
    const newest = this.#init.store.newestCheckpoint()
    return newest && decodeCheckpoint(newest.certified)
  }

  /** What is remembered of the log, and signatures of others. */
  get sizes(): Readonly<Record<string, number>> {
    return { logMarks: this.#marks.size, checkpointSignatures: this.#checkpointer.size }
  }

  /** `record` stands in the log at `seq` or behind it, which is behind all that is durable unless it was read from there. */
  note(record: LogRecord, current: number, seq: number = this.#init.log.lastSeq + 1): void {
    this.#marks.note(record, seq, current)
  }

  /** Whether there will be a checkpoint at `point`, which needs the state there on disk. */
  isDue({ height, epoch, nextCommittee }: ChainPoint): boolean {
    const { startOf, checkpointHeights = CHECKPOINT_HEIGHTS } = this.#init
    const start = startOf(epoch)
    // After an epoch's end block only empty blocks follow: the next epoch's checkpoints will do.
    return start !== undefined && nextCommittee === ZERO_DIGEST && isCheckpointed(height, start.base.height, checkpointHeights)
  }

  /** The state after the block at `point` is the newest in the file. */
  stored(point: ChainPoint): void {
    const { store, startOf, send } = this.#init
    const start = startOf(point.epoch)
    if (start === undefined) return
    const { committee } = start
    const header = this.#headerOf(point, committee)
    const writer = new ByteWriter(1024)
    writeEpochStart(writer, start)
    store.putCheckpoint(point.height, encodeCheckpointHeader(header), writer.finish())
    store.sync()
    const message = this.#checkpointer.sign(header, committee)
    if (message === undefined) return
    send(committee, message)
    this.hear(message)
  }

  /** A seat stands for a checkpoint. */
  hear(message: CheckpointMessage): void {
    const checkpoint = this.#checkpointer.hear(message)
    if (checkpoint !== undefined) this.#certified(checkpoint)
  }

  /**
   * Takes the certificate of a checkpoint that was made here and whose signatures did not come here: who has no seat is sent none. False if
   * what was made here is another one.
   *
   * @throws {LedgerError} as `verifyCheckpoint`
   */
  adopt(checkpoint: Checkpoint): boolean {
    const { store, ledger, verifier } = this.#init
    const kept = store.chain.checkpointAt(checkpoint.header.height)
    if (kept === undefined || kept.certified !== undefined) return true
    verifyCheckpoint(ledger, readEpochStart(new ByteReader(kept.start, 'kept epoch')).committee, verifier, checkpoint)
    if (Buffer.compare(kept.header, encodeCheckpointHeader(checkpoint.header)) !== 0) return false
    this.#certified(checkpoint)
    return true
  }

  /** Waits for what is being forgotten. */
  async stop(): Promise<void> {
    await this.#pruning.catch(() => undefined)
  }

  /** P5, S13: what lies behind a checkpoint that is on disk here and at a quorum is needed by nobody but those who are late. */
  #certified(checkpoint: Checkpoint): void {
    const { height, slot } = checkpoint.header
    const { store, heldHeight, heightsKept = HEIGHTS_KEPT } = this.#init
    store.certify(height, encodeCheckpoint(checkpoint))
    // A restart begins where the newest checkpoint is, so that is on disk before the log behind it is gone.
    store.sync()
    const held = heldHeight() ?? height
    store.keepFrom(Math.min(height, held))
    store.chain.forget(Math.min(height - heightsKept, held), FORGOTTEN_BLOCKS_MAX)
    this.#init.onCertified?.(height)
    if (this.#init.rebuilds === true) return
    this.#pruning = this.#pruning.then(() => this.#prune(height, slot))
    // A disk that fails here fails the log, which says so itself.
    this.#pruning.catch(() => undefined)
  }

  #headerOf({ epoch, slot, height, nextCommittee }: ChainPoint, committee: Committee): CheckpointHeader {
    const { store, ledger, genesis } = this.#init
    const before = store.pointAt(height - 1)
    const [state, payloadRoot] = [store.stateAt(height), store.payloadRootAt(height)]
    if (state === undefined || payloadRoot === undefined) throw new RangeError(`height ${height} is not kept`)
    return {
      ...ledger,
      epoch,
      slot,
      height,
      parent: before === undefined ? genesis : readPoint(new ByteReader(before, 'kept point')).digest,
      payloadRoot,
      stateRoot: Buffer.from(state.root.hash).toString('hex'),
      stateHeight: height,
      historyRoot: store.history.root(height),
      historySize: height,
      outboxRoot: ZERO_DIGEST,
      inboxRoot: ZERO_DIGEST,
      policyRoot: ZERO_DIGEST,
      committee: committee.hash,
      nextCommittee,
    }
  }

  async #prune(height: number, slot: number): Promise<void> {
    const { log, anchors, standing } = this.#init
    const keepFrom = Math.min(this.#marks.neededAfter(slot), log.lastSeq + 1)
    await log.append(...standing().map(encodeLogRecord))
    await log.prune(keepFrom, anchors.with({ forgotten: height }))
  }
}

/**
 * Every `interval` heights, and early in an epoch at powers of two of what it has, so that a new ledger has a checkpoint at once, and a new
 * committee one of its own. All seats agree on it.
 */
function isCheckpointed(height: number, baseHeight: number, interval: number): boolean {
  const inEpoch = height - baseHeight
  return height % interval === 0 || (inEpoch < interval && Number.isInteger(Math.log2(inEpoch)))
}
