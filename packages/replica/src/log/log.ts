import { mkdirSync } from 'node:fs'
import { type Clock, type Random, systemClock, systemRandom, type Timer } from '@cairn/runtime'
import { ReplicaError } from '../errors.ts'
import { ENTRY_BYTES_MAX, GROUP_BYTES_MAX, LAZY_MS, PENDING_ENTRIES_MAX, SEGMENT_BYTES } from './limits.ts'
import { type LogFile, type LogFiles, systemLogFiles } from './log-files.ts'
import { encodeRecord, ENTRY_HEADER_BYTES, type LogEntry, type LogRecord, RECORD_HEADER_BYTES, type RecordPlace } from './record.ts'
import { SEGMENT_HEADER_BYTES } from './segment.ts'
import { SegmentFiles, segmentRoom } from './segment-files.ts'
import { Superblock } from './superblock.ts'

export interface ReplicaLogInit {
  readonly directory: string
  /** Hears of every record that is on disk, in order, before `open` resolves. */
  readonly onRecord: (record: LogRecord) => void
  /** A write or a sync failed: the process must stop, for what is on disk is not known any more. Called once. */
  readonly onFailure: (error: ReplicaError) => void
  /** Hears of every sync: entries and bytes that became durable, and how long that took. */
  readonly onSync?: (entries: number, bytes: number, durationMs: number) => void
  readonly files?: LogFiles
  readonly clock?: Clock
  readonly random?: Random
  readonly segmentBytes?: number
}

interface Waiting {
  readonly entries: readonly LogEntry[]
  readonly resolve: () => void
  readonly reject: (error: ReplicaError) => void
}

/**
 * What a seat said and what it holds, in the order in which it became durable: votes and payloads in one log, because a payload must be durable
 * before the vote for it (P2 before P1), and one sync does both.
 *
 * What is appended in one turn of the event loop, or while the disk is busy, becomes one record and one sync. After a crash all that was
 * acknowledged is there; of the last record that was not, either all or nothing.
 */
export class ReplicaLog implements AsyncDisposable {
  readonly #init: ReplicaLogInit
  readonly #clock: Clock
  readonly #segments: SegmentFiles
  readonly #superblock: Superblock
  readonly #segmentBytes: number
  #firsts: number[]
  #file: LogFile
  #next: RecordPlace
  #end: number
  #pending: Waiting[] = []
  #pendingCount = 0
  /** Somebody waits for what is pending. */
  #isUrgent = false
  #running: Promise<void> | undefined
  #lazy: Timer | undefined
  #failure: ReplicaError | undefined
  #syncsCount = 0

  private constructor(
    init: ReplicaLogInit,
    parts: {
      readonly segments: SegmentFiles
      readonly superblock: Superblock
      readonly firsts: readonly number[]
      readonly file: LogFile
      readonly next: RecordPlace
      readonly end: number
    },
  ) {
    this.#init = init
    this.#clock = init.clock ?? systemClock
    this.#segmentBytes = init.segmentBytes ?? SEGMENT_BYTES
    this.#segments = parts.segments
    this.#superblock = parts.superblock
    this.#firsts = [...parts.firsts]
    this.#file = parts.file
    this.#next = parts.next
    this.#end = parts.end
  }

  /**
   * Opens the log in a directory, or begins one.
   *
   * @throws {ReplicaError} `LOG_CORRUPT`, `SUPERBLOCK_CORRUPT`: the seat must not sign again · `UNSUPPORTED_VERSION` · the system's errors
   */
  static async open(init: ReplicaLogInit): Promise<ReplicaLog> {
    const { directory, random = systemRandom, segmentBytes = SEGMENT_BYTES } = init
    if (init.files === undefined) mkdirSync(directory, { recursive: true, mode: 0o700 })
    const files = init.files ?? systemLogFiles(directory)
    const superblock = await Superblock.open(files, directory, () => random.u32())
    const { salt, keepFrom, durable } = superblock.content
    const segments = new SegmentFiles(files, directory, segmentBytes)
    const firsts = segments.list()
    const corrupt = (seq: number, reason: string): ReplicaError => new ReplicaError({ code: 'LOG_CORRUPT', path: directory, seq, reason })
    // Only a log that has never held anything has no segment: pruning keeps the last one.
    if ((firsts[0] ?? 1) > keepFrom || (firsts.length === 0 && durable > 0)) throw corrupt(keepFrom, 'its segment is gone')

    let next: RecordPlace | undefined
    let end = SEGMENT_HEADER_BYTES
    for (const seq of firsts) {
      const scan = segments.scan(salt, seq, next)
      for (const record of scan.records) init.onRecord(record)
      ;({ next, end } = scan)
    }
    if (next !== undefined && next.seq <= durable) throw corrupt(next.seq, `record ${durable} was durable, and the log ends before it`)
    const last = firsts.at(-1)
    const place = next ?? { salt, seq: 1, prevCrc: 0 }
    const file = last === undefined ? await segments.create(place) : await segments.reopen(last, end)
    return new ReplicaLog(init, { segments, superblock, firsts: last === undefined ? [1] : firsts, file, next: place, end })
  }

  /** The last record; 0 if there is none. */
  get lastSeq(): number {
    return this.#next.seq - 1
  }

  /** Entries that wait to be durable. */
  get pendingCount(): number {
    return this.#pendingCount
  }

  /** Syncs of records since it was opened. */
  get syncsCount(): number {
    return this.#syncsCount
  }

  /** What the role keeps beside the log. */
  get anchor(): Uint8Array {
    return this.#superblock.content.anchor
  }

  /**
   * Appends `entries`, in order and behind all that was appended before; resolves when they are durable, and never before.
   *
   * @throws {ReplicaError} `LOG_FAILED`, `CLOSED`, `ENTRY_TOO_LARGE`
   */
  append(...entries: readonly LogEntry[]): Promise<void> {
    const refused = this.#refusal(entries)
    if (refused !== undefined) return Promise.reject(refused)
    const appended = entries.length === 0 ? Promise.resolve() : this.#queue(entries)
    // Also for nothing: whoever waits for that waits for what was appended before.
    this.hasten()
    return appended
  }

  /**
   * As {@link append}, for what nobody waits for: it becomes durable with what is appended next, or after {@link LAZY_MS}, and so seldom costs a
   * sync of its own.
   */
  appendLazily(...entries: readonly LogEntry[]): Promise<void> {
    const refused = this.#refusal(entries)
    if (refused !== undefined) return Promise.reject(refused)
    const appended = this.#queue(entries)
    this.#lazy ??= this.#clock.setTimer(LAZY_MS, () => this.hasten())
    return appended
  }

  /** Somebody waits for all that has been appended. */
  hasten(): void {
    this.#lazy?.cancel()
    this.#lazy = undefined
    if (this.#pending.length === 0) return
    this.#isUrgent = true
    this.#running ??= this.#run()
  }

  /** Keeps `anchor` in the superblock; resolves when it is durable. */
  async setAnchor(anchor: Uint8Array): Promise<void> {
    await this.#guard(() => this.#superblock.write({ anchor, durable: this.lastSeq }))
  }

  /**
   * Forgets segments all of whose records are before `keepFrom`, and keeps `anchor` in the superblock in the same step. What they held must not
   * be needed any more (P5).
   */
  async prune(keepFrom: number, anchor: Uint8Array = this.anchor): Promise<void> {
    const from = Math.min(keepFrom, this.#next.seq)
    const kept = this.#firsts.findLastIndex((seq) => seq <= from)
    const forgotten = this.#firsts.slice(0, Math.max(0, kept))
    if (forgotten.length === 0) return
    // Said before it is done: a log without these segments is a pruned one, and not one that lost them.
    await this.#guard(() => this.#superblock.write({ keepFrom: from, durable: this.lastSeq, anchor }))
    await this.#guard(async () => this.#segments.remove(forgotten))
    this.#firsts = this.#firsts.slice(forgotten.length)
  }

  /** Waits for what was appended, and notes how far the log goes. */
  async close(): Promise<void> {
    this.hasten()
    while (this.#running !== undefined) await this.#running
    if (this.#failure?.fault.code === 'CLOSED') return
    try {
      if (this.#failure === undefined) await this.#superblock.write({ durable: this.lastSeq })
    } finally {
      this.#failure = new ReplicaError({ code: 'CLOSED', path: this.#init.directory })
      await this.#segments.close()
      this.#file.close()
      this.#superblock.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #refusal(entries: readonly LogEntry[]): ReplicaError | undefined {
    if (this.#failure !== undefined) return this.#failure
    const bytesMax = Math.min(ENTRY_BYTES_MAX, segmentRoom(this.#segmentBytes) - RECORD_HEADER_BYTES - ENTRY_HEADER_BYTES)
    const tooLarge = entries.find(({ body }) => body.byteLength > bytesMax)
    if (tooLarge !== undefined) return new ReplicaError({ code: 'ENTRY_TOO_LARGE', bytes: tooLarge.body.byteLength, bytesMax })
    if (this.#pendingCount + entries.length <= PENDING_ENTRIES_MAX) return undefined
    return new ReplicaError({ code: 'LOG_FAILED', path: this.#init.directory, reason: `${PENDING_ENTRIES_MAX} entries wait already` })
  }

  #queue(entries: readonly LogEntry[]): Promise<void> {
    this.#pendingCount += entries.length
    return new Promise((resolve, reject) => {
      // Entries of one call may be many records; the last of them tells.
      for (const [index, entry] of entries.entries()) {
        const isLast = index === entries.length - 1
        this.#pending.push({ entries: [entry], resolve: isLast ? resolve : () => undefined, reject: isLast ? reject : () => undefined })
      }
    })
  }

  async #run(): Promise<void> {
    // Everything that the caller still appends goes along.
    await Promise.resolve()
    try {
      // What was appended lazily meanwhile waits for its own time: its sync would be in the way of the next vote's.
      while (this.#isUrgent) await this.#writeGroup()
    } catch (cause) {
      this.#fail(cause)
    }
    this.#running = undefined
  }

  async #writeGroup(): Promise<void> {
    const group = this.#takeGroup()
    this.#isUrgent = this.#pending.length > 0
    const entries = group.flatMap((waiting) => waiting.entries)
    try {
      let record = encodeRecord(this.#next, entries)
      if (this.#end + record.bytes.byteLength > this.#segmentBytes) {
        await this.#roll()
        record = encodeRecord(this.#next, entries)
      }
      const startMs = this.#clock.monotonicMs()
      this.#file.write(record.bytes, this.#end)
      await this.#file.sync()
      this.#syncsCount++
      this.#init.onSync?.(entries.length, record.bytes.byteLength, this.#clock.monotonicMs() - startMs)
      this.#pendingCount -= entries.length
      this.#end += record.bytes.byteLength
      this.#next = { salt: this.#next.salt, seq: this.#next.seq + 1, prevCrc: record.crc }
      if (this.#end * 2 > this.#segmentBytes) this.#segments.prepare()
    } catch (cause) {
      this.#fail(cause)
      for (const { reject } of group) reject(this.#failure ?? this.#failed(cause))
      return
    }
    for (const { resolve } of group) resolve()
  }

  /** As many as one record takes. */
  #takeGroup(): readonly Waiting[] {
    const bytesMax = Math.min(GROUP_BYTES_MAX, segmentRoom(this.#segmentBytes))
    let bytes = RECORD_HEADER_BYTES
    let count = 0
    for (const { entries } of this.#pending) {
      bytes += entries.reduce((sum, { body }) => sum + ENTRY_HEADER_BYTES + body.byteLength, 0)
      if (count > 0 && bytes > bytesMax) break
      count++
    }
    return this.#pending.splice(0, count)
  }

  async #roll(): Promise<void> {
    const file = await this.#segments.create(this.#next)
    this.#file.close()
    this.#file = file
    this.#firsts.push(this.#next.seq)
    this.#end = SEGMENT_HEADER_BYTES
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    try {
      await work()
    } catch (cause) {
      if (cause instanceof ReplicaError && cause.fault.code === 'ENTRY_TOO_LARGE') throw cause
      throw this.#fail(cause)
    }
  }

  /**
   * Nothing is acknowledged any more. After a failed sync the system may have dropped what it could not write and call the next sync
   * a success, so trying again would acknowledge what is lost.
   */
  #fail(cause: unknown): ReplicaError {
    if (this.#failure !== undefined) return this.#failure
    const failure = this.#failed(cause)
    this.#failure = failure
    this.#lazy?.cancel()
    this.#lazy = undefined
    const waiting = this.#pending
    this.#pending = []
    this.#isUrgent = false
    this.#pendingCount = 0
    for (const { reject } of waiting) reject(failure)
    this.#init.onFailure(failure)
    return failure
  }

  #failed(cause: unknown): ReplicaError {
    if (cause instanceof ReplicaError) return cause
    return new ReplicaError(
      { code: 'LOG_FAILED', path: this.#init.directory, reason: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    )
  }
}
