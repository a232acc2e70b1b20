import { closeSync, constants, openSync, readSync } from 'node:fs'
import { decodeFrame, plainFrameToFill, ProtocolError, sha256 } from '@cairn/protocol/chunk'
import { type Disk, systemDisk } from '../disk.ts'
import { freeMemory } from '@cairn/runtime'
import { isSystemError, storageErrorOf } from '../io-error.ts'
import type { PlacedFile } from './journal-codec.ts'
import type { PlaceJob, Placer, ReadJob, TargetFile } from './placer.ts'
import { TargetFiles } from './target-files.ts'

/** Leaves threads of libuv for others while a barrier runs. */
const SYNC_CONCURRENCY = 2

/** Does the work on the calling thread: the placing thread's own, or a test's. */
export class LocalPlacer implements Placer {
  readonly #files: TargetFiles

  constructor(disk: Disk = systemDisk) {
    this.#files = new TargetFiles(disk)
  }

  async place({ frame, digest, plainBytes, places }: PlaceJob): Promise<readonly PlacedFile[]> {
    const plain = decodeFrame(frame, plainBytes)
    const found = sha256(plain)
    if (Buffer.compare(found, digest) !== 0) {
      throw new ProtocolError({ code: 'MISMATCH', what: 'chunk', found: toHex(found), wanted: toHex(digest) })
    }
    const made: PlacedFile[] = []
    try {
      for (const { file, offset } of places) this.#files.write(file, offset, plain, made)
    } finally {
      // What was inflated is this placer's own; a plain frame's payload is the caller's.
      if (plain.buffer !== frame.buffer) freeMemory(plain)
    }
    return made
  }

  async read({ path, offset, plainBytes, digest }: ReadJob): Promise<Uint8Array | undefined> {
    const { frame, payload } = plainFrameToFill(plainBytes)
    if (!readFully(path, offset, payload)) return undefined
    return Buffer.compare(sha256(payload), digest) === 0 ? frame : undefined
  }

  async make(file: TargetFile): Promise<readonly PlacedFile[]> {
    const made: PlacedFile[] = []
    this.#files.use(file, made)
    return made
  }

  async sync(files: readonly TargetFile[]): Promise<void> {
    const left = files.values()
    const failures: unknown[] = []
    const lane = async (): Promise<void> => {
      for (const file of left) await this.#files.sync(file).catch((error: unknown) => failures.push(error))
    }
    await Promise.all(Array.from({ length: SYNC_CONCURRENCY }, lane))
    if (failures.length > 0) throw failures[0]
  }

  async forget(entry: number): Promise<void> {
    this.#files.forget(entry)
  }

  async release(): Promise<void> {
    this.#files.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files.close()
  }
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Fills `buffer` from `offset` of the regular file `path`; false if it is gone, shorter, or a link. */
function readFully(path: string, offset: number, buffer: Uint8Array): boolean {
  let file: number | undefined
  try {
    // Without O_NONBLOCK, opening a pipe that somebody put there would wait for a writer.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    for (let filled = 0; filled < buffer.byteLength;) {
      const bytesRead = readSync(file, buffer, filled, buffer.byteLength - filled, offset + filled)
      if (bytesRead === 0) return false
      filled += bytesRead
    }
    return true
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR')) return false
    throw storageErrorOf(cause, path)
  } finally {
    if (file !== undefined) closeSync(file)
  }
}
