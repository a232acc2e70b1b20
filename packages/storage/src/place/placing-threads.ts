import assert from 'node:assert/strict'
import { availableParallelism } from 'node:os'
import { StorageError } from '../errors.ts'
import type { PlacedFile } from './journal-codec.ts'
import { PlacingThread } from './placing-thread.ts'
import type { AdoptedFile, AdoptJob, CopyJob, PlaceJob, Placer, ReadJob, ScanJob, ScannedPiece, TargetFile } from './placer.ts'

/** Files of which it is remembered that they were made: to ask again costs one message, and an update may touch a million. */
const MADE_MAX = 4096

/**
 * A {@link PlacingThread}, and while chunks are copied from elsewhere on this machine a second one, which takes copies off the first: an
 * update copies most of a snapshot and inflates the rest, and one thread is busy with that for longer than the network is. A join that finds
 * nothing here never starts it.
 *
 * Only the first thread makes files: one with other names gets content of its own once.
 */
export class PlacingThreads implements Placer {
  readonly #first = new PlacingThread()
  readonly #hasSecond: boolean
  #second: PlacingThread | undefined
  #isDisposed = false
  /** Inodes of the last {@link MADE_MAX} files that the first thread has made or found for the second one, by entry, in order of last use. */
  readonly #made = new Map<number, bigint>()
  /** Those that it is about to make; bounded by the copies under way. */
  readonly #making = new Map<number, Promise<bigint>>()
  #firstPendingCount = 0
  #secondPendingCount = 0

  /** `hasSecond`: whether there may be a second thread. With one core there is nothing to gain. */
  constructor(hasSecond = availableParallelism() > 1) {
    this.#hasSecond = hasSecond
  }

  place(job: PlaceJob): Promise<readonly PlacedFile[]> {
    return this.#onFirst(async () => this.#told(job, await this.#first.place(this.#asMade(job))))
  }

  /** On the thread that has less to do. */
  async copy(job: CopyJob): Promise<readonly PlacedFile[] | undefined> {
    // After the end the first thread refuses.
    const isFirst = !this.#hasSecond || this.#isDisposed || this.#firstPendingCount < this.#secondPendingCount
    return (isFirst ? undefined : await this.#copyOnSecond(job)) ?? this.#copyOnFirst(job)
  }

  read(job: ReadJob): Promise<Uint8Array | undefined> {
    return this.#first.read(job)
  }

  async adopt(job: AdoptJob): Promise<AdoptedFile | undefined> {
    this.#unmake(job.file.entry)
    await this.#second?.forget(job.file.entry)
    return this.#first.adopt(job)
  }

  scan(job: ScanJob): Promise<ScannedPiece | undefined> {
    return this.#first.scan(job)
  }

  make(file: TargetFile): Promise<readonly PlacedFile[]> {
    return this.#first.make(file)
  }

  sync(files: readonly TargetFile[]): Promise<void> {
    return this.#first.sync(files)
  }

  async forget(entry: number): Promise<void> {
    this.#unmake(entry)
    await Promise.all([this.#first.forget(entry), this.#second?.forget(entry)])
  }

  async release(): Promise<void> {
    await this.#endSecond()
    await this.#first.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true
    await this.#endSecond()
    await this.#first[Symbol.asyncDispose]()
  }

  #copyOnFirst(job: CopyJob): Promise<readonly PlacedFile[] | undefined> {
    return this.#onFirst(async () => {
      const copied = await this.#first.copy(this.#asMade(job))
      return copied === undefined ? undefined : this.#told(job, copied)
    })
  }

  async #onFirst<Value>(work: () => Promise<Value>): Promise<Value> {
    this.#firstPendingCount += 1
    try {
      return await work()
    } finally {
      this.#firstPendingCount -= 1
    }
  }

  async #copyOnSecond(job: CopyJob): Promise<readonly PlacedFile[] | undefined> {
    this.#secondPendingCount += 1
    try {
      const second = (this.#second ??= new PlacingThread())
      const making = job.places.map(async ({ file, offset }) => {
        return { file: { ...file, inode: await this.#makeOnce(file), isMade: true as const }, offset }
      })
      const places = await Promise.all(making)
      if ((await second.copy({ ...job, places })) === undefined) return undefined
      return places.map(({ file: { entry, inode } }) => ({ entry, inode })).filter((made) => isNews(made, job))
    } catch (error) {
      if (!(error instanceof StorageError && error.fault.code === 'CORRUPT')) throw error
      // Not the file that the first thread has made, by what is known here: it says which one it is now, and copies.
      for (const { file } of job.places) this.#unmake(file.entry)
      await Promise.all(job.places.map(({ file }) => this.#makeOnce(file)))
      return undefined
    } finally {
      this.#secondPendingCount -= 1
    }
  }

  /** The inode of `file`, which the first thread makes unless it has. */
  async #makeOnce(file: TargetFile): Promise<bigint> {
    const { entry } = file
    const made = this.#made.get(entry)
    if (made !== undefined) {
      this.#remember(entry, made)
      return made
    }
    let making = this.#making.get(entry)
    if (making === undefined) {
      making = this.#make(file)
      this.#making.set(entry, making)
      const done = (inode?: bigint): void => {
        if (this.#making.get(entry) !== making) return // forgotten meanwhile
        this.#making.delete(entry) // if it failed, whoever asks next tries again
        if (inode !== undefined) this.#remember(entry, inode)
      }
      making.then(done, () => done())
    }
    return making
  }

  async #make(file: TargetFile): Promise<bigint> {
    const [made] = await this.#first.make(file)
    assert(made !== undefined, 'a file that was made is told of')
    return made.inode
  }

  #remember(entry: number, inode: bigint): void {
    this.#made.delete(entry)
    this.#made.set(entry, inode)
    if (this.#made.size <= MADE_MAX) return
    const [oldest] = this.#made.keys()
    if (oldest !== undefined) this.#made.delete(oldest)
  }

  #unmake(entry: number): void {
    this.#made.delete(entry)
    this.#making.delete(entry)
  }

  /** The job with the files as they were made for the second thread, of which whoever asks may not have heard. */
  #asMade<Job extends Pick<PlaceJob, 'places'>>(job: Job): Job {
    if (this.#made.size === 0) return job
    const places = job.places.map(({ file, offset }) => ({ file: { ...file, inode: this.#made.get(file.entry) ?? file.inode }, offset }))
    return { ...job, places }
  }

  /** `done`, which the first thread has made for the job, and files of it made for the second one that nobody may have been told of. */
  async #told(job: Pick<PlaceJob, 'places'>, done: readonly PlacedFile[]): Promise<readonly PlacedFile[]> {
    const pending = job.places.flatMap(({ file }) => this.#making.get(file.entry) ?? [])
    if (pending.length > 0) await Promise.allSettled(pending)
    for (const { entry, inode } of done) if (this.#made.get(entry) !== inode) this.#made.delete(entry)
    const made = job.places.flatMap(({ file: { entry } }) => {
      const inode = this.#made.get(entry)
      return inode === undefined ? [] : [{ entry, inode }]
    })
    return [...made.filter((file) => isNews(file, job)), ...done]
  }

  async #endSecond(): Promise<void> {
    const second = this.#second
    this.#second = undefined
    this.#made.clear()
    this.#making.clear()
    await second?.[Symbol.asyncDispose]()
  }
}

/** Whether whoever wants `job` done knows no file of that entry, or another one. */
function isNews({ entry, inode }: PlacedFile, job: Pick<PlaceJob, 'places'>): boolean {
  return job.places.some(({ file }) => file.entry === entry && file.inode !== inode)
}
