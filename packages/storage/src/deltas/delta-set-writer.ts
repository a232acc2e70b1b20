import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'
import type { CID } from '@cairn/protocol'
import { keyOfBytes } from '../block-key.ts'
import { syncDirectory } from '../durable-file.ts'
import { storageErrorOf } from '../io-error.ts'
import { type DeltaRow, type DeltaSetName, deltaSetEndBytes, encodeDeltaSetEnd, encodeDeltaSetHeader } from './delta-set-codec.ts'

/**
 * Writes the deltas between two snapshots, one after the other, into a file beside `path`, which is there once {@link finish} has resolved
 * and not before: whatever interrupts this leaves nothing but a temporary file.
 */
export class DeltaSetWriter implements AsyncDisposable {
  readonly path: string
  readonly from: CID
  readonly #temporary: string
  readonly #file: FileHandle
  readonly #rows: DeltaRow[] = []
  readonly #byDigest = new Map<string, DeltaRow>()
  #end: number
  #last: Promise<void> = Promise.resolve()
  #isOpen = true
  #isFinished = false

  private constructor(path: string, from: CID, temporary: string, file: FileHandle, end: number) {
    this.path = path
    this.from = from
    this.#temporary = temporary
    this.#file = file
    this.#end = end
  }

  /** @throws {StorageError} `NO_SPACE`, `IO_FAILED` */
  static async create(path: string, temporary: string, name: DeltaSetName): Promise<DeltaSetWriter> {
    const header = encodeDeltaSetHeader(name)
    let file: FileHandle | undefined
    try {
      file = await open(temporary, 'w+')
      await file.writeFile(header)
      return new DeltaSetWriter(path, name.from, temporary, file, header.byteLength)
    } catch (cause) {
      await file?.close()
      throw storageErrorOf(cause, temporary)
    }
  }

  /** Bytes of the file, once it is finished. */
  get fileBytes(): number {
    return this.#end + deltaSetEndBytes(this.#rows.length)
  }

  /** Whether more can be added, and what was added read. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Frame bytes by chunk index of what was added. */
  get sizes(): ReadonlyMap<number, number> {
    return new Map(this.#rows.map(({ chunk, bytes }) => [chunk, bytes]))
  }

  get count(): number {
    return this.#rows.length
  }

  /**
   * Appends the delta of chunk `chunk`. Calls may overlap; each chunk is added once.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  add(chunk: number, digest: Uint8Array, frame: Uint8Array): Promise<void> {
    const offset = this.#end
    this.#end += frame.byteLength
    const row = { chunk, digest: digest.slice(), offset, bytes: frame.byteLength, checksum: crc32(frame) }
    this.#last = this.#write(this.#last, row, frame)
    return this.#last
  }

  /**
   * A delta that was added; `undefined` if there is none, or it is not as it was written.
   *
   * @throws {StorageError} `IO_FAILED`
   */
  async read(digest: Uint8Array): Promise<Uint8Array | undefined> {
    const row = this.#byDigest.get(keyOfBytes(digest))
    if (row === undefined || !this.#isOpen) return undefined
    const frame = new Uint8Array(row.bytes)
    try {
      await this.#file.read(frame, 0, row.bytes, row.offset)
    } catch (cause) {
      throw storageErrorOf(cause, this.#temporary)
    }
    return crc32(frame) === row.checksum ? frame : undefined
  }

  /** Gives the file its name when all of it is on the disk. @throws {StorageError} `NO_SPACE`, `IO_FAILED` */
  async finish(): Promise<void> {
    await this.#last
    try {
      await this.#file.write(encodeDeltaSetEnd(this.#rows, this.#end), 0, undefined, this.#end)
      await this.#file.sync()
      await this.#close()
      await rename(this.#temporary, this.path)
      this.#isFinished = true
      await syncDirectory(dirname(this.path))
    } catch (cause) {
      throw storageErrorOf(cause, this.path)
    }
  }

  /** Removes what was not finished. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isFinished) return
    await this.#last.catch(() => undefined)
    if (this.#isOpen) await this.#close()
    await rm(this.#temporary, { force: true })
  }

  async #write(before: Promise<void>, row: DeltaRow, frame: Uint8Array): Promise<void> {
    await before
    try {
      await this.#file.write(frame, 0, frame.byteLength, row.offset)
    } catch (cause) {
      throw storageErrorOf(cause, this.#temporary, frame.byteLength)
    }
    this.#rows.push(row)
    this.#byDigest.set(keyOfBytes(row.digest), row)
  }

  async #close(): Promise<void> {
    this.#isOpen = false
    await this.#file.close()
  }
}
