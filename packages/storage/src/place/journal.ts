import type { FileHandle } from 'node:fs/promises'
import type { Disk } from '../disk.ts'
import { writeFileDurably } from '../durable-file.ts'
import { storageErrorOf } from '../io-error.ts'
import { encodeHeader, encodeRecords, type JournalHeader, type JournalRecord, type PlacedFile, RECORD_ITEMS_MAX } from './journal-codec.ts'
import { runsOf } from './runs.ts'

/**
 * The append-only record of what a joining node has placed.
 *
 * Everything handed over while an append is under way goes out together with the next: one write per turn of the disk, however many
 * chunks arrive. An append is in the page cache when its promise resolves (it survives `kill -9`), on the disk after {@link sync}.
 */
export class Journal {
  readonly #path: string
  readonly #file: FileHandle
  #checksum: number
  #endBytes: number
  #recordsCount: number
  #chunks: number[] = []
  #files: PlacedFile[] = []
  #records: JournalRecord[] = []
  /** The append that will take what is handed over now; `undefined` when nothing waits. */
  #next: Promise<void> | undefined
  #last: Promise<void> = Promise.resolve()

  private constructor(path: string, file: FileHandle, start: { checksum: number; endBytes: number; recordsCount: number }) {
    this.#path = path
    this.#file = file
    this.#checksum = start.checksum
    this.#endBytes = start.endBytes
    this.#recordsCount = start.recordsCount
  }

  /**
   * Replaces the journal at `path` by one with `records`, in one step and on the disk when the promise resolves.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; what was there stays
   */
  static async create(path: string, header: JournalHeader, records: readonly JournalRecord[], disk: Disk): Promise<Journal> {
    const head = encodeHeader(header)
    const body = encodeRecords(records, head.checksum)
    const bytes = Buffer.concat([head.bytes, body.bytes])
    await writeFileDurably(path, bytes)
    try {
      const file = await disk.open(path, 'r+')
      return new Journal(path, file, { checksum: body.checksum, endBytes: bytes.byteLength, recordsCount: records.length })
    } catch (cause) {
      throw storageErrorOf(cause, path)
    }
  }

  /** How many records the file holds; what a barrier that starts now covers. */
  get recordsCount(): number {
    return this.#recordsCount
  }

  /** Records chunk `index` as placed. */
  appendPlaced(index: number): Promise<void> {
    this.#chunks.push(index)
    return this.#soon()
  }

  /** Records the file made for an entry, no later than any chunk that is handed over after it. */
  appendFile(file: PlacedFile): void {
    this.#files.push(file)
  }

  append(record: JournalRecord): Promise<void> {
    this.#records.push(record)
    return this.#soon()
  }

  async sync(): Promise<void> {
    try {
      await this.#file.datasync()
    } catch (cause) {
      throw storageErrorOf(cause, this.#path)
    }
  }

  async close(): Promise<void> {
    await this.#last.catch(() => undefined)
    await this.#file.close()
  }

  #soon(): Promise<void> {
    this.#next ??= this.#last
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined
        return this.#write(this.#take())
      })
    this.#last = this.#next
    return this.#next
  }

  #take(): readonly JournalRecord[] {
    const records: JournalRecord[] = [
      ...split(this.#files, (files) => ({ type: 'files', files }) as const),
      ...split(runsOf(this.#chunks), (runs) => ({ type: 'placed', runs }) as const),
      ...this.#records,
    ]
    this.#files = []
    this.#chunks = []
    this.#records = []
    return records
  }

  async #write(records: readonly JournalRecord[]): Promise<void> {
    const { bytes, checksum } = encodeRecords(records, this.#checksum)
    try {
      // Always at the end of the last good record: whatever a failed append left there is written over.
      for (let done = 0; done < bytes.byteLength;) {
        const { bytesWritten } = await this.#file.write(bytes, done, bytes.byteLength - done, this.#endBytes + done)
        done += bytesWritten
      }
    } catch (cause) {
      this.#files = [...records.flatMap((record) => (record.type === 'files' ? record.files : [])), ...this.#files]
      throw storageErrorOf(cause, this.#path, bytes.byteLength)
    }
    this.#checksum = checksum
    this.#endBytes += bytes.byteLength
    this.#recordsCount += records.length
  }
}

/** Cuts a list into records that keep within the bound on a body. */
export function* split<T, R>(items: readonly T[], record: (items: readonly T[]) => R): Generator<R> {
  for (let at = 0; at < items.length; at += RECORD_ITEMS_MAX) yield record(items.slice(at, at + RECORD_ITEMS_MAX))
}
