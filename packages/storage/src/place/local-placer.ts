import { lstatSync } from 'node:fs'
import { freeMemory } from '@cairn/runtime'
import { decodeFrame, plainFrameToFill, sha256 } from '@cairn/protocol/chunk'
import { type Disk, systemDisk } from '../disk.ts'
import { adoptFile } from './adopt-file.ts'
import { assertIsChunk, decodeFromBases, holds } from './base-reader.ts'
import type { PlacedFile } from './journal-codec.ts'
import { readFully } from './open-source.ts'
import type { AdoptedFile, AdoptJob, CopyJob, PlaceJob, Placer, ReadJob, ScanJob, ScannedPiece, TargetFile } from './placer.ts'
import { SourceScanner } from './source-scanner.ts'
import { TargetFiles } from './target-files.ts'

/** Leaves threads of libuv for others while a barrier runs. */
const SYNC_CONCURRENCY = 2

/** Does the work on the calling thread: the placing thread's own, or a test's. */
export class LocalPlacer implements Placer {
  readonly #files: TargetFiles
  readonly #scanner = new SourceScanner()
  /** Holds the chunk that is being copied, one after the other: memory that is new each time would be zeroed, mapped and unmapped. */
  #scratch = Buffer.allocUnsafeSlow(0)

  constructor(disk: Disk = systemDisk) {
    this.#files = new TargetFiles(disk)
  }

  async place({ frame, digest, plainBytes, places, delta }: PlaceJob): Promise<readonly PlacedFile[]> {
    const plain =
      delta === undefined ? assertIsChunk(decodeFrame(frame, plainBytes), digest) : decodeFromBases(frame, delta, plainBytes, digest)
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

  async copy({ from, digest, plainBytes, places }: CopyJob): Promise<readonly PlacedFile[] | undefined> {
    if (this.#scratch.byteLength < plainBytes) this.#scratch = Buffer.allocUnsafeSlow(plainBytes)
    const plain = this.#scratch.subarray(0, plainBytes)
    if (!from.some(({ path, offset }) => holds(path, offset, plain, digest))) return undefined
    const made: PlacedFile[] = []
    for (const { file, offset } of places) this.#files.write(file, offset, plain, made)
    // Another thread may have given a file with other names content of its own meanwhile, and may have read it before this was written.
    return places.every(({ file }) => isInPlace(file, made)) ? made : undefined
  }

  async adopt(job: AdoptJob): Promise<AdoptedFile | undefined> {
    this.#files.forget(job.file.entry)
    return adoptFile(job)
  }

  async scan(job: ScanJob): Promise<ScannedPiece | undefined> {
    return this.#scanner.scan(job)
  }

  async make(file: TargetFile): Promise<readonly PlacedFile[]> {
    return [this.#files.make(file)]
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
    this.#scanner.clear()
    this.#scratch = Buffer.allocUnsafeSlow(0)
    this.#files.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#files.close()
  }
}

/** Whether what was written for `file` is what its path leads to. */
function isInPlace({ entry, path, inode }: TargetFile, made: readonly PlacedFile[]): boolean {
  const expected = made.find((file) => file.entry === entry)?.inode ?? inode
  return expected === undefined || lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino === expected
}
