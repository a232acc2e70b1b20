import {
  applyDelta,
  type Committee,
  type EpochRecord,
  type EpochStart,
  epochStatement,
  gatherEpochRecord,
  LedgerError,
  type LedgerId,
  type LogRecord,
  openEpochRecord,
  type PeerId,
  type Ready,
  type Signer,
  signStatement,
  type Verifier,
  verifyEpochRecord,
} from '@cairn/ledger'
import type { Clock, Timer } from '@cairn/runtime'
import { ReplicaError } from '../errors.ts'
import { EPOCH_RETRY_MS, READIES_MAX } from '../limits.ts'
import type { EpochMessage } from './epoch-message.ts'
import type { EndedEpoch, EpochStore } from './epoch-store.ts'

export interface EpochRecordsInit {
  readonly ledger: LedgerId
  readonly genesis: Committee
  readonly verifier: Verifier
  /** Of the store, for who is to look at it. */
  readonly path: string
  readonly store: EpochStore
  readonly clock: Clock
  /** The epoch that the first record of the log is of. */
  readonly start: EpochStart
  readonly signerOf: (publicKey: Uint8Array) => Signer | undefined
  readonly send: (to: readonly PeerId[], message: EpochMessage) => void
  /** An epoch that this replica was not there for has ended with this committee: others have shown it. */
  readonly onLearnt?: (epoch: number, committee: Committee) => void
}

/**
 * The chain of epochs: when one ends here, signs where it ended and who comes next; gathers what others signed, until a light client believes
 * it; fetches the epochs before this replica's time; and keeps all of it for those who come later.
 *
 * What it needs stands in the log before the epoch ends here, so it goes on after a crash: {@link note} is told of each record again.
 */
export class EpochRecords {
  readonly #init: EpochRecordsInit
  /** The epoch that this replica is in, by its log. */
  #current: EpochStart
  /** The first epoch whose record is not complete here, and its committee. */
  #proven: { readonly epoch: number; readonly committee: Committee }
  #readies: Ready[] = []
  #timer: Timer | undefined
  #stopped = false

  /** @throws {ReplicaError} `STATE_CORRUPT` if what is kept is no chain */
  constructor(init: EpochRecordsInit) {
    this.#init = init
    this.#current = init.start
    this.#proven = { epoch: 0, committee: init.genesis }
    this.#prove()
  }

  /** Epochs up to this one, and no further, light clients can be led to. */
  get provenEpoch(): number {
    return this.#proven.epoch
  }

  /** The records of the epochs from `from` to before `to`; `undefined` while one of them, or of those before, is not complete. */
  between(from: number, to: number): readonly EpochRecord[] | undefined {
    if (to > this.#proven.epoch) return undefined
    const records: EpochRecord[] = []
    for (const { record } of this.#init.store.from(from)) {
      if (record.epoch >= to) break
      records.push(record)
    }
    return records
  }

  /** `record` is or goes into the log: what an epoch's record is made of, and that it has ended. */
  note(record: LogRecord): void {
    if (record.type === 'ready') this.#readies = [...this.#readies.slice(1 - READIES_MAX), record.ready]
    if (record.type !== 'epoch' || record.start.number <= this.#current.number) return
    const { start } = record
    if (start.number === this.#current.number + 1) {
      const { store } = this.#init
      const opened = openEpochRecord(this.#current, start, this.#readies)
      const known = store.get(opened.epoch)
      if (known === undefined) store.put({ committee: this.#current.committee, record: opened, isComplete: false })
      else this.#gather(known, opened)
    }
    this.#readies = []
    this.#current = start
  }

  /** The epoch that the log names last has begun, and its record is durable: from here on nobody takes it back. */
  started(): void {
    for (const ended of this.#init.store.open) this.#sign(ended)
    this.#prove()
    this.#ask()
  }

  hear(from: PeerId, message: EpochMessage): void {
    if (this.#stopped) return
    const { store } = this.#init
    if (message.type === 'ask') {
      const kept = store.get(message.epoch)
      if (kept !== undefined) this.#init.send([from], { type: 'record', record: kept.record })
      return
    }
    const { record } = message
    const known = store.get(record.epoch)
    if (known === undefined) this.#learn(record)
    else if (!known.isComplete && epochStatement(record).digest === epochStatement(known.record).digest) this.#gather(known, record)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  #sign(ended: EndedEpoch): void {
    const { ledger, signerOf, send } = this.#init
    const { committee, record } = ended
    const { members } = committee
    const seat = members.findIndex(({ publicKey }) => signerOf(publicKey) !== undefined)
    const signer = members[seat] && signerOf(members[seat].publicKey)
    if (signer === undefined) return
    const signature = signStatement(ledger, signer, epochStatement(record))
    const gathered = this.#gather(ended, { ready: [], signatures: [{ seat, signature }] })
    const next = applyDelta(record.epoch, committee, record.delta)
    send(peersOf(committee, next), { type: 'record', record: gathered })
  }

  /** Puts together what is known of an end with what somebody else has of it. */
  #gather({ committee, record }: EndedEpoch, other: Pick<EpochRecord, 'ready' | 'signatures'>): EpochRecord {
    const { ledger, verifier, store } = this.#init
    const next = applyDelta(record.epoch, committee, record.delta)
    const gathered = gatherEpochRecord(ledger, committee, next, verifier, record, other)
    if (gathered === record) return record
    store.put({ committee, record: gathered, isComplete: this.#isBelieved(record.epoch, committee, gathered) })
    this.#prove()
    return gathered
  }

  /** Takes the record of an epoch that this replica was no part of: complete, and after those that it has. */
  #learn(record: EpochRecord): void {
    const { epoch, committee } = this.#proven
    if (record.epoch !== epoch || epoch >= this.#current.number || !this.#isBelieved(epoch, committee, record)) return
    this.#init.store.put({ committee, record, isComplete: true })
    this.#init.onLearnt?.(epoch, committee)
    this.#prove()
    this.#ask()
  }

  #isBelieved(epoch: number, committee: Committee, record: EpochRecord): boolean {
    try {
      verifyEpochRecord(this.#init.ledger, epoch, committee, this.#init.verifier, record)
      return true
    } catch (error) {
      if (error instanceof LedgerError) return false
      throw error
    }
  }

  /** Walks on over what is complete. */
  #prove(): void {
    for (const { committee, record, isComplete } of this.#init.store.from(this.#proven.epoch)) {
      if (!isComplete) return
      if (committee.hash !== this.#proven.committee.hash) {
        throw new ReplicaError({ code: 'STATE_CORRUPT', path: this.#init.path, reason: `epoch ${record.epoch} is of another chain` })
      }
      this.#proven = { epoch: record.epoch + 1, committee: applyDelta(record.epoch, committee, record.delta) }
    }
  }

  /** Asks for what is missing, again and again until nothing is. */
  #ask(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#stopped || this.#proven.epoch >= this.#current.number) return
    const peers = peersOf(this.#proven.committee, this.#current.committee)
    this.#init.send(peers, { type: 'ask', epoch: this.#proven.epoch })
    this.#timer = this.#init.clock.setTimer(EPOCH_RETRY_MS, () => this.#ask())
  }
}

function peersOf(...committees: readonly Committee[]): readonly PeerId[] {
  return [...new Set(committees.flatMap(({ members }) => members.map(({ peer }) => peer)))]
}
