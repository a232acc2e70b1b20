import type { ChainPoint, Digest, LogRecord } from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'

/** One applied block as the state store keeps it: index, root and effects in one transaction (P9). */
export interface AppliedEntry {
  readonly point: ChainPoint
  readonly stateRoot: Digest
  readonly operations: readonly string[]
}

interface Written {
  readonly record: LogRecord
  readonly token: number
}

/**
 * A replica's disk: a log and a state store. What was written is safe from a crash only once it was synced; of what was not, the start
 * that had reached the platter is kept, and recovery cuts the rest off. No record survives that was written after one that does not.
 */
export class SimulatedDisk {
  /** Synced and not yet synced records of both logs, in order. */
  #durable: LogRecord[] = []
  #written: Written[] = []
  #applied: AppliedEntry[] = []
  /** Token that must be durable before each applied entry may be. */
  #appliedAfter: number[] = []
  #appliedDurable = 0

  write(records: readonly LogRecord[], token: number): void {
    for (const record of records) this.#written.push({ record, token })
  }

  apply(entry: AppliedEntry, after: number): void {
    this.#applied.push(entry)
    this.#appliedAfter.push(after)
  }

  /** How much a sync that starts now will cover. */
  mark(): { readonly records: number; readonly applied: number } {
    return { records: this.#written.length, applied: this.#applied.length }
  }

  /** Makes what was written before `mark` durable, and returns those records. */
  sync(mark: { readonly records: number; readonly applied: number }): readonly LogRecord[] {
    const synced = this.#written.splice(0, mark.records).map(({ record }) => record)
    for (const record of synced) this.#durable.push(record)
    this.#appliedDurable = Math.max(this.#appliedDurable, Math.min(mark.applied, this.#applied.length))
    return synced
  }

  /** The power goes: of what was not synced, the log keeps the records before the first one that was lost or torn. */
  crash(dice: Dice): void {
    let whole = Number.POSITIVE_INFINITY
    for (const { record, token } of this.#written) {
      if (dice.chance(400)) {
        whole = token - 1
        break
      }
      this.#durable.push(record)
    }
    this.#written = []
    // The store writes on its own, but no entry before its token.
    let kept = this.#appliedDurable
    while (kept < this.#applied.length && this.#appliedAfter[kept]! <= whole && dice.chance(700)) kept++
    this.#applied.length = kept
    this.#appliedAfter = this.#applied.map(() => 0)
    this.#appliedDurable = kept
  }

  /** Some payloads cannot be read any more: the rest of the log is good, and the others have them. */
  rot(dice: Dice): void {
    this.#durable = this.#durable.filter((record) => record.type !== 'payload' || !dice.chance(300))
  }

  wipe(): void {
    this.#durable = []
    this.#written = []
    this.#applied = []
    this.#appliedAfter = []
    this.#appliedDurable = 0
  }

  get records(): readonly LogRecord[] {
    return this.#durable
  }

  get applied(): readonly AppliedEntry[] {
    return this.#applied
  }
}
