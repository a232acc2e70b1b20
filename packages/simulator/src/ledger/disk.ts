import type { ChainPoint, Digest, EpochStart, LogRecord } from '@cairn/ledger'
import type { Dice } from '../kernel/dice.ts'
import { insist } from './invariant.ts'
import { LATENT_FAULTS, type LatentFault, LogImage } from './log-image.ts'

/** One applied block as the state store keeps it: index, root and effects in one transaction (P9). */
export interface AppliedEntry {
  readonly point: ChainPoint
  readonly stateRoot: Digest
  readonly operations: readonly string[]
}

/** A checkpoint behind which the log was forgotten, or of which a state was fetched: a restart begins there. */
export interface Anchor {
  /** How its epoch began. */
  readonly start: EpochStart
  readonly point: ChainPoint
}

/** Frames before the ones in flight that are read again after a crash: enough for every fault to have neighbours. */
const TAIL_FRAMES = 6
/** Syncs between two notes in the superblock of how far the log goes. */
const MARK_EVERY = 8
const SALT = 0x5eed

/**
 * A replica's disk: a log and a state store. What was written is safe from a crash only once it was synced. Of what was not, the first
 * records may have reached the platter as a whole and of the next an arbitrary part: the log's own reader says where it ends.
 */
export class SimulatedDisk {
  /** Synced records, in order, and how many of them there were after each sync. */
  #durable: LogRecord[] = []
  #syncs: number[] = []
  /** Syncs that the superblock knows of. */
  #marked = 0
  #written: LogRecord[] = []
  #tokens: number[] = []
  #applied: AppliedEntry[] = []
  /** Token that must be durable before each applied entry may be. */
  #appliedAfter: number[] = []
  #appliedDurable = 0
  /** Records that were forgotten. */
  #forgotten = 0
  #anchor: Anchor | undefined

  write(records: readonly LogRecord[], token: number): void {
    for (const record of records) {
      this.#written.push(record)
      this.#tokens.push(token)
    }
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
    const synced = this.#written.splice(0, mark.records)
    this.#tokens.splice(0, mark.records)
    this.#keep(synced)
    if (this.#syncs.length - this.#marked >= MARK_EVERY) this.#marked = this.#syncs.length
    this.#appliedDurable = Math.max(this.#appliedDurable, Math.min(mark.applied, this.#applied.length))
    return synced
  }

  /** No room for what was to be written, so nothing of it is there. */
  refuse(): void {
    this.#written = []
    this.#tokens = []
    this.#applied.length = this.#appliedDurable
    this.#appliedAfter.length = this.#appliedDurable
  }

  /** The power goes. Returns whether a write was torn. */
  crash(dice: Dice): boolean {
    let count = 0
    while (count < this.#written.length && !dice.chance(400)) count++
    const torn = count < this.#written.length ? this.#written.slice(count) : undefined
    // Of an entry in the store its token must have survived: that of the first record that did not is the first that must not.
    const whole = torn === undefined ? Number.POSITIVE_INFINITY : this.#tokens[count]! - 1
    this.#keep(this.#written.slice(0, count))
    if (torn !== undefined) this.#recover(torn, dice)
    this.#written = []
    this.#tokens = []
    // The store writes on its own, but no entry before its token.
    let kept = this.#appliedDurable
    while (kept < this.#applied.length && this.#appliedAfter[kept]! <= whole && dice.chance(700)) kept++
    this.#applied.length = kept
    this.#appliedAfter = this.#applied.map(() => 0)
    this.#appliedDurable = kept
    return torn !== undefined
  }

  /**
   * What had been durable is no longer what it was, somewhere but where the log could not tell it from a torn write. Whoever reads the
   * log must see that (S17). Returns what happened; `undefined` where there is too little to damage.
   */
  damage(dice: Dice): LatentFault | undefined {
    const { image, first, count } = this.#tail()
    // The last frame has no good one behind it: only the superblock can tell that it was there.
    const vulnerable = first + count <= this.#marked ? count : count - 1
    if (vulnerable < 1) return undefined
    const fault = dice.pick(LATENT_FAULTS)
    if (!image.spoil(dice.below(vulnerable), fault, dice)) return undefined
    const { whole, isBroken } = image.read()
    insist(isBroken || first + whole < this.#marked, 'S17', () => `a log with a ${fault} write was taken for a whole one`)
    return fault
  }

  /** The payloads that `isLost` names cannot be read any more; the rest of the log is good. */
  rot(isLost: (record: Extract<LogRecord, { readonly type: 'payload' }>) => boolean): void {
    this.#durable = this.#durable.filter((record) => record.type !== 'payload' || !isLost(record))
    this.#syncs = this.#durable.length === 0 ? [] : [this.#durable.length]
    this.#marked = this.#syncs.length
  }

  /** Forgets the records before number `keepFrom` of the whole log; they are behind `anchor`. */
  forget(keepFrom: number, anchor: Anchor): void {
    const count = Math.min(Math.max(0, keepFrom - this.#forgotten), this.#durable.length)
    this.#durable.splice(0, count)
    this.#forgotten += count
    const whole = this.#syncs.filter((end) => end <= count).length
    this.#syncs = this.#syncs.slice(whole).map((end) => end - count)
    this.#marked = Math.max(0, this.#marked - whole)
    this.#anchor = anchor
  }

  /** P7: a fetched state takes the place of the one here, at once and on disk. */
  install(anchor: Anchor, applied: readonly AppliedEntry[]): void {
    this.#applied = [...applied]
    this.#appliedAfter = applied.map(() => 0)
    this.#appliedDurable = applied.length
    this.#anchor = anchor
  }

  wipe(): void {
    this.#forgotten = 0
    this.#anchor = undefined
    this.#durable = []
    this.#syncs = []
    this.#marked = 0
    this.#written = []
    this.#tokens = []
    this.#applied = []
    this.#appliedAfter = []
    this.#appliedDurable = 0
  }

  get anchor(): Anchor | undefined {
    return this.#anchor
  }

  /** Number of the first record that is there, in the whole log. */
  get firstSeq(): number {
    return this.#forgotten
  }

  /** Number of the next record that is made durable, and of the next that is written. */
  get durableSeq(): number {
    return this.#forgotten + this.#durable.length
  }

  get nextSeq(): number {
    return this.durableSeq + this.#written.length
  }

  /** Height of the state that a crash leaves at least. */
  get durableHeight(): number {
    return this.#applied[this.#appliedDurable - 1]?.point.height ?? 0
  }

  get records(): readonly LogRecord[] {
    return this.#durable
  }

  get applied(): readonly AppliedEntry[] {
    return this.#applied
  }

  #keep(frame: readonly LogRecord[]): void {
    if (frame.length === 0) return
    for (const record of frame) this.#durable.push(record)
    this.#syncs.push(this.#durable.length)
  }

  /** Reads the log's end with `torn` behind it: nothing durable may be cut off, and a torn write is no damage. */
  #recover(torn: readonly LogRecord[], dice: Dice): void {
    const { image, count } = this.#tail(torn)
    image.tear(count, dice)
    const { whole, isBroken } = image.read()
    insist(!isBroken, 'S17', () => 'a torn write was taken for damage')
    insist(whole >= count, 'P1', () => 'a restart cut off what was durable')
    // Where only zeros were lost, nothing was.
    if (whole > count) this.#keep(torn)
  }

  #tail(torn?: readonly LogRecord[]): { readonly image: LogImage; readonly first: number; readonly count: number } {
    const first = Math.max(0, this.#syncs.length - TAIL_FRAMES)
    const frames = this.#syncs.slice(first).map((end, index) => this.#durable.slice(this.#syncs[first + index - 1] ?? 0, end))
    const count = frames.length
    return { image: new LogImage(torn === undefined ? frames : [...frames, torn], first + 1, SALT), first, count }
  }
}
