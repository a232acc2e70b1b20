import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type Bitmap, type CID, decodeFrame, type IndexedEntry, type SnapshotIndex, STAGES, type StageClass } from '@cairn/protocol'
import { type Clock, type Log, silentLog, systemClock } from '@cairn/runtime'
import type { BlockSource } from '../block-store.ts'
import { readBootId } from '../boot-id.ts'
import { DirectoryLock } from '../directory-lock.ts'
import { type Disk, systemDisk } from '../disk.ts'
import { StorageError } from '../errors.ts'
import { storageErrorOf } from '../io-error.ts'
import type { AdoptableFile } from '../reuse/reuse-sources.ts'
import type { SnapshotSink } from '../snapshot-sink.ts'
import { verifyDirectory, type VerifyOptions, type VerifyReport } from '../verify-directory.ts'
import { STATE_DIRECTORY } from '../walk.ts'
import { Barriers } from './barriers.ts'
import { finishStage, finishTree } from './finish-tree.ts'
import { readFingerprints, writeFingerprints } from './fingerprints.ts'
import { Journal } from './journal.ts'
import { LocalPlacer } from './local-placer.ts'
import { type BaseLocator, PlacedFiles } from './placed-files.ts'
import type { AdoptMethod, ChunkLocation, Placer } from './placer.ts'
import { inspectTarget, journalPath, readJournal } from './read-journal.ts'
import { isStagePlaced, journalOf, type Resumed, resume, resumeEmpty } from './resume.ts'
import { runsOf } from './runs.ts'
import { findStrangers } from './strangers.ts'
import { assertNoForeignFiles, assertSpace, makeDirectories, makeRoot } from './target-tree.ts'

export interface PlaceStoreInit {
  /** The target; created, with its parents, if absent. */
  readonly path: string
  readonly index: SnapshotIndex
  readonly clock?: Clock
  readonly log?: Log
  readonly disk?: Disk
  /** Checks and writes the chunks. Absent: the calling thread does. */
  readonly placer?: Placer
  /** Files are taken over first: whether there is room for the rest is asked afterwards, see {@link PlaceStore.assertSpace}. */
  readonly isReusing?: boolean
  /** Hears of chunks that were in place, turned out damaged and have left `have`. */
  readonly onRolledBack?: (rollback: Rollback) => void
}

/** What is left when chunks that were in place turn out damaged. */
export interface Rollback {
  readonly chunks: readonly number[]
  /** The last stage that is still committed, with all before it. */
  readonly stage: StageClass | undefined
}

/**
 * Opens the target directory of a join, new or begun before, which no other process may have open.
 *
 * What an earlier run placed is taken over without being read, but for chunks that only a reboot or a stranger can have touched;
 * those are hashed.
 *
 * @throws {StorageError} `FOREIGN_FILES`, `OTHER_SNAPSHOT`, `NO_SPACE` with the bytes still to come (checked before the first is
 *   written), `LOCKED`, `UNSUPPORTED_VERSION`, `CORRUPT` if the journal's header is damaged, `IO_FAILED`
 */
export async function openPlaceStore(init: PlaceStoreInit): Promise<PlaceStore> {
  return PlaceStore.open(init)
}

/**
 * The files of a snapshot, written once, straight into place; beside them only `.cairn/` with the journal.
 *
 * - `have` lists a chunk only when all its places are written and, unless one is in a linked file, the journal says so.
 * - The journal's word counts after a reboot only up to the last barrier: data first, then the record.
 * - Nothing is verified that is not written next, and nothing written that was not verified: one {@link Placer} does both.
 */
export class PlaceStore implements SnapshotSink, BlockSource, AsyncDisposable {
  /** The target, links resolved. */
  readonly path: string
  readonly have: Bitmap
  readonly #index: SnapshotIndex
  readonly #files: PlacedFiles
  readonly #journal: Journal
  readonly #lock: DirectoryLock
  readonly #log: Log
  readonly #disk: Disk
  readonly #onRolledBack: (rollback: Rollback) => void
  readonly #stages: Set<StageClass>
  #complete: boolean
  readonly #placing = new Map<number, Promise<boolean>>()
  readonly #barriers: Barriers
  #closing: Promise<void> | undefined

  private constructor(root: string, init: PlaceStoreInit, lock: DirectoryLock, journal: Journal, resumed: Resumed) {
    this.path = root
    this.have = resumed.have
    this.#index = init.index
    this.#log = init.log ?? silentLog
    this.#disk = init.disk ?? systemDisk
    this.#lock = lock
    this.#journal = journal
    this.#onRolledBack = init.onRolledBack ?? (() => {})
    this.#stages = new Set(resumed.stages)
    this.#complete = resumed.complete
    this.#files = new PlacedFiles({
      root,
      index: init.index,
      placer: init.placer ?? new LocalPlacer(init.disk),
      inodes: resumed.inodes,
      onCreated: (file) => journal.appendFile(file),
    })
    this.#barriers = new Barriers({
      path: root,
      files: this.#files,
      journal,
      clock: init.clock ?? systemClock,
      log: this.#log,
      isCovered: resumed.durable.count === resumed.have.count,
    })
    // An earlier run may have been killed before its barrier: the next one has to cover what it wrote.
    for (const chunk of resumed.have.indices()) {
      if (!resumed.durable.get(chunk)) for (const { entry } of init.index.places(chunk)) this.#files.markDirty(entry)
    }
  }

  /** @see openPlaceStore */
  static async open(init: PlaceStoreInit): Promise<PlaceStore> {
    const { index } = init
    await inspectTarget(init.path) // so that a stranger's directory is refused before a `.cairn` is made in it
    const root = await makeRoot(init.path)
    const lock = DirectoryLock.acquire(join(root, STATE_DIRECTORY))
    let journal: Journal | undefined
    try {
      const decoded = await readJournal(root)
      const [found, wanted] = [(decoded?.header.snapshot ?? index.cid).toString(), index.cid.toString()]
      if (found !== wanted) throw new StorageError({ code: 'OTHER_SNAPSHOT', path: root, found, wanted })
      // Where everything was in place once, what else is there may be one of its files under another name.
      const wasComplete = (await readFingerprints(root, index.cid)) !== undefined
      await assertNoForeignFiles(root, decoded === undefined ? undefined : index, wasComplete)
      const bootId = await readBootId()
      const resumed = decoded === undefined ? resumeEmpty(index) : await resume(root, index, decoded, bootId)
      const disk = init.disk ?? systemDisk
      if (init.isReusing !== true)
        await assertSpace(root, resumed.have, disk, (chunk) => index.chunkBytes(chunk) * index.places(chunk).length)
      const header = { snapshot: index.cid, bootId, chunksCount: index.chunksCount }
      journal = await Journal.create(journalPath(root), header, journalOf(resumed), disk)
      if (!resumed.complete) await makeDirectories(root, index)
      const fields = { path: root, placedCount: resumed.have.count, lostCount: resumed.lostCount, rehashedCount: resumed.rehashedCount }
      if (decoded !== undefined) init.log?.info('place-store-resumed', { ...fields, droppedBytes: decoded.droppedBytes })
      return new PlaceStore(root, init, lock, journal, resumed)
    } catch (cause) {
      await journal?.close()
      lock.release()
      throw storageErrorOf(cause, root)
    }
  }

  /** Whether {@link finish} has run and nothing was found damaged since. */
  get isComplete(): boolean {
    return this.#complete
  }

  has(cid: CID): boolean {
    const chunk = this.#index.chunkOf(cid)
    return chunk !== undefined && this.have.get(chunk)
  }

  /**
   * A frame of a chunk that is in place, read back and checked: the owner of the directory may have edited its files.
   * A chunk that is not as it was leaves `have`, and `get` says `undefined`.
   */
  async get(cid: CID): Promise<Uint8Array | undefined> {
    const chunk = this.#index.chunkOf(cid)
    return chunk === undefined ? undefined : this.#read(chunk)
  }

  /** The verified content of chunk `chunk`, `undefined` if it is not in place, or no longer as it was: then it leaves `have`. */
  async read(chunk: number): Promise<Uint8Array | undefined> {
    const frame = await this.#read(chunk)
    return frame === undefined ? undefined : decodeFrame(frame, this.#index.chunkBytes(chunk))
  }

  async #read(chunk: number): Promise<Uint8Array | undefined> {
    if (!this.have.get(chunk)) return undefined
    const frame = await this.#files.read(chunk)
    if (frame !== undefined) return frame
    this.#log.warn('placed-chunk-damaged', { path: this.#files.pathOf(this.#index.places(chunk)[0]!.entry), chunk })
    await this.#clear([chunk])
    return undefined
  }

  async deliver(index: number, frame: Uint8Array): Promise<void> {
    const write = (): Promise<boolean> => this.#files.place(index, frame).then(() => true)
    // A copy under way may find that it has nothing to copy.
    while (!(await this.#placeOnce(index, write)));
  }

  /**
   * Places chunk `index` from wherever on this machine it is, hashed on the way; false if it is nowhere in `from`.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  async copy(index: number, from: readonly ChunkLocation[]): Promise<boolean> {
    return this.#placeOnce(index, () => this.#files.copy(index, from))
  }

  /** Chunks may come as deltas from now on, as long as what they are made from is found in `bases`. */
  useBases(bases: BaseLocator): void {
    this.#files.useBases(bases)
  }

  /**
   * Takes a whole file over, unread; how, or `undefined` if that cannot be done. Its chunks are placed by {@link copy}, which then has
   * nothing to write for it.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  async adopt(entry: number, { file, methods }: AdoptableFile): Promise<AdoptMethod | undefined> {
    this.#assertUsable()
    for (const { chunk } of this.#index.chunksOfFile(entry)) if (this.have.get(chunk) || this.#placing.has(chunk)) return undefined
    return this.#files.adopt(entry, file, methods)
  }

  /** Whether {@link copy} of chunk `index` has nothing to write. */
  isAdopted(index: number): boolean {
    return this.#files.isAdopted(index)
  }

  /** @throws {StorageError} `NO_SPACE` if the disk has no room for what is still to be written */
  assertSpace(): Promise<void> {
    return assertSpace(this.path, this.have, this.#disk, (chunk) => this.#files.bytesToWrite(chunk))
  }

  /** Whether {@link commitStage} has run for `stage`, and all its chunks are still in place. */
  stageCommitted(stage: StageClass): boolean {
    return this.#stages.has(stage)
  }

  /** Whether every chunk that `stage` needs, those of earlier stages included, is in place. */
  stagePlaced(stage: StageClass): boolean {
    return isStagePlaced(this.#index, stage, this.have)
  }

  /**
   * Makes a stage usable and lasting: its empty files and links are made, its files get their permissions, and the disk holds all of
   * it when the promise resolves. Its directories get theirs in {@link finish}: until then their owner can write into them.
   * Every chunk that the stage needs, those of earlier stages included, must be in place.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`, `FOREIGN_FILES`; `CORRUPT` as {@link finish}
   */
  async commitStage(stage: StageClass): Promise<void> {
    this.#assertUsable()
    assert(this.stagePlaced(stage), `every chunk of ${stage} is in place`)
    if (this.#stages.has(stage)) return
    for (const [i, entry] of this.#index.entries.entries()) {
      if (entry.type === 'file' && entry.bytes === 0 && entry.stage === stage) await this.#files.create(i)
    }
    await this.#assertFilesAreOurs((entry) => entry.stage === stage)
    // Not a barrier: that would wait for what later stages have written meanwhile. After a reboot the stage's chunks are hashed once.
    await this.#barriers.after(() => this.#barriers.syncFiles(stage))
    await finishStage(this.path, this.#index, stage)
    if (!this.stagePlaced(stage)) throw damagedMeanwhile(this.path)
    await this.#journal.append({ type: 'stage', stage })
    await this.#journal.sync()
    if (this.stagePlaced(stage)) this.#stages.add(stage)
  }

  /**
   * Ends the join: empty files, links, permissions, all on the disk, and a record that says so. Every chunk must be in place.
   * Afterwards the directory is what was published.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; `CORRUPT` if somebody replaced a file meanwhile: its chunks have left `have`
   */
  async finish(): Promise<void> {
    this.#assertUsable()
    assert(this.have.isFull(), 'every chunk is in place')
    if (this.#complete) return
    for (const [i, entry] of this.#index.entries.entries()) {
      if (entry.type === 'file' && entry.bytes === 0) await this.#files.create(i)
    }
    await this.#assertFilesAreOurs(() => true)
    await Promise.all(Array.from(this.#files.ownLinked(), (chunk) => this.#journal.appendPlaced(chunk)))
    await this.flush()
    await finishTree(this.path, this.#index)
    // Whoever was served a chunk meanwhile may have found it damaged.
    if (!this.have.isFull()) throw damagedMeanwhile(this.path)
    await writeFingerprints(this.path, this.#index)
    await this.#journal.append({ type: 'complete' })
    await this.#journal.sync()
    this.#complete = this.have.isFull()
  }

  /** A barrier: what was delivered so far survives a power cut when the promise resolves. */
  flush(): Promise<void> {
    return this.#barriers.flush()
  }

  /**
   * Goes back to what is surely in place after something went wrong with the files: every file that is gone, has another length or is
   * not the one that was made here loses its chunks, and stages that need them are no longer committed. Reads no content.
   *
   * @throws {StorageError} `IO_FAILED`
   */
  async rollback(): Promise<void> {
    await this.#disown(await findStrangers(this.path, this.#index, this.#files, () => true))
  }

  /** {@link verifyDirectory}; chunks found damaged leave `have`, so that a download can fetch them again, and {@link finish} does its work anew. */
  async verifyAll(options: VerifyOptions = {}): Promise<VerifyReport> {
    const damaged: number[] = []
    const report = await verifyDirectory(this.path, this.#index, {
      ...options,
      onDamagedChunk: (chunk) => {
        if (this.have.get(chunk)) damaged.push(chunk)
        options.onDamagedChunk?.(chunk)
      },
    })
    await this.#clear(damaged)
    // Links, permissions and empty files are put right by the next `finish`.
    if (!report.ok) this.#complete = false
    return report
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #close(): Promise<void> {
    this.#barriers.close()
    try {
      await Promise.allSettled(this.#placing.values())
      if (this.#barriers.failure === undefined) await this.flush()
    } finally {
      await this.#files.close()
      await this.#journal.close()
      this.#lock.release()
    }
  }

  async #placeOnce(index: number, write: () => Promise<boolean>): Promise<boolean> {
    this.#assertUsable()
    if (this.have.get(index)) return true
    let placing = this.#placing.get(index)
    if (placing === undefined) {
      placing = this.#place(index, write).finally(() => this.#placing.delete(index))
      this.#placing.set(index, placing)
    }
    return placing
  }

  async #place(index: number, write: () => Promise<boolean>): Promise<boolean> {
    if (!(await write())) return false
    if (!this.#files.isLinked(index)) await this.#journal.appendPlaced(index)
    this.have.set(index)
    this.#barriers.placed(this.#index.chunkBytes(index) * this.#index.places(index).length)
    return true
  }

  /** Takes chunks out of `have`, and tells the journal. */
  async #clear(damaged: readonly number[]): Promise<void> {
    const chunks = [...new Set(damaged)].filter((chunk) => this.have.get(chunk))
    if (chunks.length === 0) return
    for (const chunk of chunks) {
      this.have.clear(chunk)
      this.#files.damaged(chunk)
    }
    this.#complete = false
    for (const stage of this.#stages) if (!this.stagePlaced(stage)) this.#stages.delete(stage)
    const records = [
      { type: 'cleared', runs: runsOf(chunks) } as const,
      ...[...this.#stages].map((stage) => ({ type: 'stage', stage }) as const),
    ]
    await Promise.all(records.map((record) => this.#journal.append(record)))
    this.#onRolledBack({ chunks, stage: STAGES.findLast((stage) => this.#stages.has(stage)) })
  }

  /** Somebody who replaced a file took the chunks in it away. */
  async #assertFilesAreOurs(concerns: (entry: IndexedEntry) => boolean): Promise<void> {
    const strangers = await findStrangers(this.path, this.#index, this.#files, concerns)
    const [first] = strangers
    if (first === undefined) return
    await this.#disown(strangers)
    throw new StorageError({
      code: 'CORRUPT',
      path: this.#files.pathOf(first),
      reason: 'it was replaced while the snapshot was being placed',
    })
  }

  async #disown(strangers: readonly number[]): Promise<void> {
    for (const entry of strangers) await this.#files.forget(entry)
    await this.#clear(strangers.flatMap((entry) => [...this.#index.chunksOfFile(entry)].map(({ chunk }) => chunk)))
  }

  #assertUsable(): void {
    assert(this.#closing === undefined, 'the place store is open')
    if (this.#barriers.failure !== undefined) throw this.#barriers.failure
  }
}

function damagedMeanwhile(path: string): StorageError {
  return new StorageError({ code: 'CORRUPT', path, reason: 'a file in it was changed while the snapshot was being placed' })
}
