import type { StageClass } from '@cairn/protocol'
import type { Clock, Log, Timer } from '@cairn/runtime'
import type { StorageError } from '../errors.ts'
import { storageErrorOf } from '../io-error.ts'
import type { Journal } from './journal.ts'
import type { PlacedFiles } from './placed-files.ts'

/** A barrier starts after this many bytes or this long: a power cut costs no more than that, and the disk is asked seldom. */
const BARRIER_BYTES = 64 * 1024 * 1024
const BARRIER_DELAY_MS = 2000

export interface BarriersInit {
  readonly path: string
  readonly files: PlacedFiles
  readonly journal: Journal
  readonly clock: Clock
  readonly log: Log
  /** Whether the disk has all that the journal says. */
  readonly isCovered: boolean
}

/** Brings what was placed to the disk, contents first, then the record that says so. */
export class Barriers {
  readonly #init: BarriersInit
  #bytesSince = 0
  #timer: Timer | undefined
  #last: Promise<void> = Promise.resolve()
  /** Length of the journal, in records, after the last barrier; `undefined` if there is something that none has covered. */
  #coveredRecords: number | undefined
  /** Why no chunk is taken any more: a barrier failed, and nobody knows what the disk holds. */
  #failure: StorageError | undefined
  #isClosing = false

  constructor(init: BarriersInit) {
    this.#init = init
    if (init.isCovered) this.#coveredRecords = init.journal.recordsCount
  }

  get failure(): StorageError | undefined {
    return this.#failure
  }

  /** So many bytes were written; a barrier is due when enough were, or soon. */
  placed(bytes: number): void {
    this.#bytesSince += bytes
    if (this.#bytesSince >= BARRIER_BYTES) this.#flushInBackground()
    else if (!this.#isClosing) this.#timer ??= this.#init.clock.setTimer(BARRIER_DELAY_MS, () => this.#flushInBackground())
  }

  /** A barrier: what was delivered so far survives a power cut when the promise resolves. */
  flush(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#bytesSince = 0
    return this.after(() => this.#run())
  }

  /** One at a time: each must know what is on the disk and what is not. */
  after(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.catch(() => undefined).then(work)
    return this.#last
  }

  /** Brings files, those of `stage` if it is given, to the disk. Part of a barrier, or of {@link after}. */
  async syncFiles(stage?: StageClass): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const { files, journal, path } = this.#init
    try {
      await files.sync(stage)
    } catch (cause) {
      this.#failure = storageErrorOf(cause, path)
      await journal.append({ type: 'doubt' }).catch(() => undefined)
      throw this.#failure
    }
  }

  /** No barrier starts by itself any more. */
  close(): void {
    this.#isClosing = true
    this.#timer?.cancel()
  }

  #flushInBackground(): void {
    const { log, path } = this.#init
    this.flush().catch((error: unknown) => log.warn('place-store-barrier-failed', { path, reason: String(error) }))
  }

  async #run(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const { journal, files } = this.#init
    const coveredRecords = journal.recordsCount
    if (coveredRecords === this.#coveredRecords && !files.isDirty) return
    await this.syncFiles()
    await journal.append({ type: 'barrier', coveredRecords })
    await journal.sync()
    // What was appended meanwhile is counted here, but its files are dirty.
    this.#coveredRecords = journal.recordsCount
  }
}
