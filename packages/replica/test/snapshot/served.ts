import {
  applyBlock,
  type BlockHeader,
  ByteWriter,
  type Checkpoint,
  type CheckpointHeader,
  checkpointStatement,
  type Committee,
  createCommittee,
  ed25519Signer,
  encodeCheckpoint,
  encodeCheckpointHeader,
  encodePayload,
  type EpochStart,
  headerDigest,
  type Payload,
  payloadFacts,
  pointOf,
  PRESETS,
  signStatement,
  writeEpochStart,
  writeItem,
  writePoint,
  ZERO_DIGEST,
} from '@cairn/ledger'
import { genesisPoint } from '../../src/genesis.ts'
import { StateStore } from '../../src/state/state-store.ts'
import { LEDGER, put } from '../replicas.ts'

export const SIGNERS = Array.from({ length: 3 }, (_, seat) => ed25519Signer(new Uint8Array(32).fill(seat + 1)))
export const COMMITTEE: Committee = createCommittee(
  PRESETS['cft-3'],
  SIGNERS.map(({ publicKey }, seat) => ({ peer: `p${seat}`, publicKey, role: 'full' })),
)
export const START: EpochStart = { number: 0, committee: COMMITTEE, base: genesisPoint(LEDGER, COMMITTEE) }

/** A store of a replica that has applied blocks and certified checkpoints, made without any of the machinery that does it in a replica. */
export class ServedState {
  readonly store: StateStore
  #parent: BlockHeader | undefined

  constructor(path: string, heightsKept?: number) {
    this.store = new StateStore({ path, ...(heightsKept !== undefined && { heightsKept }) })
  }

  /** Applies one block of `operations`. */
  apply(operations: Payload): BlockHeader {
    const { store } = this
    const applied = applyBlock(store, LEDGER, store.state, operations)
    const { root, bytesCount } = payloadFacts(operations)
    const header: BlockHeader = {
      epoch: 0,
      slot: store.state.height + 1,
      height: store.state.height + 1,
      parentSlot: store.state.height,
      parent: this.#parent === undefined ? START.base.digest : headerDigest(this.#parent),
      payloadRoot: root,
      payloadBytes: bytesCount,
      operationsCount: operations.length,
      time: 1,
      policyRoot: ZERO_DIGEST,
      stateHeight: 0,
      stateRoot: ZERO_DIGEST,
      nextCommittee: ZERO_DIGEST,
    }
    const [point, item] = [new ByteWriter(128), new ByteWriter(512)]
    writePoint(point, pointOf(header))
    writeItem(item, { proposal: { header, signature: new Uint8Array(64) } })
    const block = {
      digest: headerDigest(header),
      point: point.finish(),
      item: item.finish(),
      payloadRoot: root,
      payload: encodePayload(operations),
    }
    store.commit(applied, block)
    this.#parent = header
    return header
  }

  /** Applies blocks up to `height`, with keys of `name`. */
  applyTo(height: number, name: string): void {
    while (this.store.state.height < height) {
      const at = this.store.state.height
      this.apply(Array.from({ length: 20 }, (_, index) => put(`${name} ${at}/${index}`, 'x'.repeat(200))))
    }
  }

  /** Makes a checkpoint of the newest height, signed by these seats. */
  certify(seats: readonly number[] = [0, 1], changes: Partial<CheckpointHeader> = {}): Checkpoint {
    const { store } = this
    const block = this.#parent
    if (block === undefined) throw new Error('no block yet')
    const { epoch, slot, height, parent, payloadRoot, nextCommittee } = block
    const roots = { outboxRoot: ZERO_DIGEST, inboxRoot: ZERO_DIGEST, policyRoot: ZERO_DIGEST }
    const header: CheckpointHeader = {
      ...LEDGER,
      ...roots,
      epoch,
      slot,
      height,
      parent,
      payloadRoot,
      stateRoot: Buffer.from(store.state.root.hash).toString('hex'),
      stateHeight: height,
      historyRoot: store.history.root(),
      historySize: height,
      committee: COMMITTEE.hash,
      nextCommittee,
      ...changes,
    }
    const statement = checkpointStatement(header)
    const signatures = seats.map((seat) => ({ seat, signature: signStatement(LEDGER, SIGNERS[seat]!, statement) }))
    const start = new ByteWriter(512)
    writeEpochStart(start, START)
    store.putCheckpoint(height, encodeCheckpointHeader(header), start.finish())
    store.certify(height, encodeCheckpoint({ header, signatures }))
    return { header, signatures }
  }

  /** Forgets all blocks. */
  forgetBlocks(): void {
    this.store.chain.forget(this.store.state.height, 10_000)
  }
}
