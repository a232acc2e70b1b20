import { availableParallelism } from 'node:os'
import type { PlacedFile } from './journal-codec.ts'
import { PlacingThread } from './placing-thread.ts'
import type { AdoptedFile, AdoptJob, CopyJob, PlaceJob, Placer, ReadJob, ScanJob, ScannedPiece, TargetFile } from './placer.ts'

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
  /** Files that the first thread has made or found for the second one, by entry. */
  readonly #made = new Map<number, Promise<readonly PlacedFile[]>>()
  #firstPendingCount = 0
  #secondPendingCount = 0

  /** `hasSecond`: whether there may be a second thread. With one core there is nothing to gain. */
  constructor(hasSecond = availableParallelism() > 1) {
    this.#hasSecond = hasSecond
  }

  place(job: PlaceJob): Promise<readonly PlacedFile[]> {
    return this.#onFirst(async () => [...(await this.#madeOf(job)), ...(await this.#first.place(job))])
  }

  /** On the thread that has less to do. */
  async copy(job: CopyJob): Promise<readonly PlacedFile[] | undefined> {
    const isFirst = !this.#hasSecond || this.#firstPendingCount < this.#secondPendingCount
    return (isFirst ? undefined : await this.#copyOnSecond(job)) ?? this.#copyOnFirst(job)
  }

  read(job: ReadJob): Promise<Uint8Array | undefined> {
    return this.#first.read(job)
  }

  async adopt(job: AdoptJob): Promise<AdoptedFile | undefined> {
    await this.#forgetSecond(job.file.entry)
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
    await this.#forgetSecond(entry)
    await this.#first.forget(entry)
  }

  async release(): Promise<void> {
    await this.#endSecond()
    await this.#first.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endSecond()
    await this.#first[Symbol.asyncDispose]()
  }

  #copyOnFirst(job: CopyJob): Promise<readonly PlacedFile[] | undefined> {
    return this.#onFirst(async () => {
      const made = await this.#madeOf(job)
      const copied = await this.#first.copy(job)
      return copied === undefined ? undefined : [...made, ...copied]
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
      const made = (await Promise.all(job.places.map(({ file }) => this.#makeOnce(file)))).flat()
      const places = job.places.map(({ file, offset }) => {
        const inode = made.find(({ entry }) => entry === file.entry)?.inode ?? file.inode
        return { file: { ...file, inode }, offset }
      })
      const copied = await second.copy({ ...job, places })
      return copied === undefined ? undefined : [...made, ...copied]
    } finally {
      this.#secondPendingCount -= 1
    }
  }

  #makeOnce(file: TargetFile): Promise<readonly PlacedFile[]> {
    let making = this.#made.get(file.entry)
    if (making === undefined) {
      making = this.#first.make(file)
      this.#made.set(file.entry, making)
      making.catch(() => this.#made.delete(file.entry)) // whoever asks next tries again
    }
    return making
  }

  /** Files of the job that were made for the second thread, which nobody may have been told of. */
  async #madeOf({ places }: Pick<PlaceJob, 'places'>): Promise<readonly PlacedFile[]> {
    if (this.#made.size === 0) return []
    const untold = places.filter(({ file }) => file.inode === undefined)
    return (await Promise.all(untold.flatMap(({ file }) => this.#made.get(file.entry) ?? []))).flat()
  }

  async #forgetSecond(entry: number): Promise<void> {
    this.#made.delete(entry)
    await this.#second?.forget(entry)
  }

  async #endSecond(): Promise<void> {
    const second = this.#second
    this.#second = undefined
    this.#made.clear()
    await second?.[Symbol.asyncDispose]()
  }
}
