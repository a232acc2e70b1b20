import type { BatchItem, Committee, EngineState, EpochRecord, LedgerId, LogRecord, PeerId, Verifier } from '@cairn/ledger'
import type { Clock } from '@cairn/runtime'
import type { EpochMessage } from './epoch-message.ts'
import { EpochRecords } from './epoch-records.ts'
import { EpochStore } from './epoch-store.ts'
import { isSameKey, type KeyRing } from './key-ring.ts'
import type { NextCommittee } from './next-committee.ts'

export interface EpochChangesInit {
  readonly ledger: LedgerId
  readonly genesis: Committee
  /** A file of the replica's own. */
  readonly path: string
  readonly clock: Clock
  readonly verifier: Verifier
  readonly keys: KeyRing
  readonly self: PeerId
  /** The engine's, to look at. */
  readonly state: EngineState
  readonly send: (to: readonly PeerId[], message: EpochMessage) => void
  /** Tells the engine whom its operator wants. */
  readonly tell: (committee: Committee) => void
}

/** `told`: the engine was · `early`: it will be, when that epoch has begun here · `late`: the epoch is over · `other`: not of this committee. */
export type ReconfigureOutcome = 'told' | 'early' | 'late' | 'other'

/** This replica's part in the change from one committee to the next: what it was told, what it signs, and which keys it still has. */
export class EpochChanges {
  readonly #init: EpochChangesInit
  readonly #store: EpochStore
  readonly #records: EpochRecords
  #wanted: NextCommittee | undefined
  /** The newest epoch that is over and in which this replica had a seat. */
  #seatedIn: number | undefined
  /** The first epoch that has not been looked at for keys whose time is over. */
  #keysFrom = 0

  /** @throws {ReplicaError} `STATE_CORRUPT`, `UNSUPPORTED_VERSION` */
  constructor(init: EpochChangesInit) {
    const { state, keys } = init
    this.#init = init
    this.#store = new EpochStore(init.path)
    this.#records = new EpochRecords({
      ...init,
      store: this.#store,
      start: state.init.start,
      signerOf: (key) => keys.signerOf(key),
      // A state brought this replica over epochs of which it hears only now.
      onLearnt: (epoch, committee) => this.#left(epoch, committee),
    })
    this.#seatedIn = this.#store.newestOf(init.self)
  }

  /** `record` is or goes into the log. */
  note(record: LogRecord): void {
    this.#records.note(record)
  }

  /**
   * An epoch has begun, and its record is durable; or the replica has, in an epoch that had. The end of the one before is signed and on disk
   * before the keys that did it are erased.
   *
   * @throws {ReplicaError} `KEY_NOT_ERASED`, `STATE_CORRUPT`
   */
  started(): void {
    const { number } = this.#init.state.epoch
    this.#keepClosing(number - 1)
    this.#records.started()
    for (; this.#keysFrom < number; this.#keysFrom++) {
      const committee = this.#store.get(this.#keysFrom)?.committee
      if (committee !== undefined) this.#left(this.#keysFrom, committee)
    }
    this.#tell()
  }

  /** What the operator of this replica wants; the last word counts. It must be said again after a restart. */
  reconfigure(next: NextCommittee): ReconfigureOutcome {
    const { ledger, state } = this.#init
    const { number, committee } = state.epoch
    if (next.ledger.networkId !== ledger.networkId || next.ledger.chainId !== ledger.chainId) return 'other'
    if (next.epoch < number) return 'late'
    if (next.epoch === number && next.follows !== committee.hash) return 'other'
    this.#wanted = next
    return this.#tell() ? 'told' : 'early'
  }

  /** @throws {ReplicaError} as {@link started} */
  hear(from: PeerId, message: EpochMessage): void {
    this.#records.hear(from, message)
  }

  /** What those who are still in `epoch` need to leave it. */
  closing(epoch: number): readonly BatchItem[] {
    return this.#store.closing(epoch)
  }

  /** The records of the epochs from `from` to before `to`; `undefined` while one of them, or of those before, is not complete. */
  between(from: number, to: number): readonly EpochRecord[] | undefined {
    return this.#records.between(from, to)
  }

  /** The epoch that light clients can be led to. */
  get provenEpoch(): number {
    return this.#records.provenEpoch
  }

  /** The committee that is wanted after this one, while it is not there. */
  get wanted(): Committee | undefined {
    return this.#wanted?.committee
  }

  /** The epoch after which this replica was removed; `undefined` while it has a seat, and if it never had one. */
  get removedAfter(): number | undefined {
    const { state, self } = this.#init
    return state.epoch.committee.members.some(({ peer }) => peer === self) ? undefined : this.#seatedIn
  }

  stop(): void {
    this.#records.stop()
    this.#store.close()
  }

  /** `epoch` is over: keys that had a seat in it and have none now are of no more use, but to a thief. */
  #left(epoch: number, committee: Committee): void {
    const { state, keys, self } = this.#init
    if (committee.members.some(({ peer }) => peer === self)) this.#seatedIn = Math.max(this.#seatedIn ?? 0, epoch)
    for (const publicKey of keys.publicKeys) {
      if (hasSeat(committee, publicKey) && !hasSeat(state.epoch.committee, publicKey)) keys.erase(publicKey)
    }
  }

  #tell(): boolean {
    const { state, tell } = this.#init
    const { number, committee } = state.epoch
    if (this.#wanted === undefined || this.#wanted.epoch > number) return false
    const { epoch, follows, committee: next } = this.#wanted
    if (epoch < number || follows !== committee.hash) {
      this.#wanted = undefined
      return false
    }
    tell(next)
    return true
  }

  /** After a restart the engine may know less of an end than it did when it was kept. */
  #keepClosing(epoch: number): void {
    const closing = this.#init.state.closings.get(epoch) ?? []
    if (closing.length > this.#store.closing(epoch).length) this.#store.putClosing(epoch, closing)
  }
}

function hasSeat({ members }: Committee, publicKey: Uint8Array): boolean {
  return members.some((member) => isSameKey(member.publicKey, publicKey))
}
