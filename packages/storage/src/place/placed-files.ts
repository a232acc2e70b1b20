import { dirname, join } from 'node:path'
import { deltaRecipe, type IndexedFile, type SnapshotIndex, type StageClass } from '@cairn/protocol'
import { forEachBounded } from '../bounded.ts'
import { syncDirectory } from '../durable-file.ts'
import { StorageError } from '../errors.ts'
import { storageErrorOf } from '../io-error.ts'
import type { PlacedFile } from './journal-codec.ts'
import { workingMode } from './modes.ts'
import type { AdoptMethod, ChunkLocation, DeltaBases, PlaceJob, Placer, TargetFile, WholeFile } from './placer.ts'

/** As in the block store: leaves threads for reads and writes while a barrier runs. */
const SYNC_CONCURRENCY = 2

/** Finds the chunks that deltas are made from. */
export interface BaseLocator {
  locateDigest(digest: Uint8Array): readonly ChunkLocation[]
  /** Length of the chunk with this digest, if it is known. */
  bytesOf(digest: Uint8Array): number | undefined
}

export interface PlacedFilesInit {
  readonly root: string
  readonly index: SnapshotIndex
  readonly placer: Placer
  /** Inode numbers of the files that an earlier run made, by entry. */
  readonly inodes: ReadonlyMap<number, bigint>
  /** Hears of every file that was made before it hears of the first chunk in it. */
  readonly onCreated: (file: PlacedFile) => void
}

/**
 * The files of the target while chunks are written into them: which of them are ours, and what the disk has yet to take.
 *
 * A file is made at its final path with its final size, sparse, when its first chunk arrives. No link is followed on the last name;
 * the names before it are directories that the store has made or checked.
 */
export class PlacedFiles {
  readonly #root: string
  readonly #index: SnapshotIndex
  readonly #placer: Placer
  readonly #onCreated: (file: PlacedFile) => void
  readonly #inodes: Map<number, bigint>
  /** Files that came as a whole: nothing is written into them, since they may share their content with files of another version. */
  readonly #adopted = new Set<number>()
  /** Those of them that came by another name, as they were then: whoever has the other name may write to them until the end. */
  readonly #linked = new Map<number, WholeFile>()
  #bases: BaseLocator | undefined
  #dirtyFiles = new Set<number>()
  #dirtyDirectories = new Set<string>()

  constructor(init: PlacedFilesInit) {
    this.#root = init.root
    this.#index = init.index
    this.#placer = init.placer
    this.#inodes = new Map(init.inodes)
    this.#onCreated = init.onCreated
  }

  /** What deltas are made from is looked for in `bases` from now on. */
  useBases(bases: BaseLocator): void {
    this.#bases = bases
  }

  /** Inode number of the file made for `entry`. */
  inode(entry: number): bigint | undefined {
    return this.#inodes.get(entry)
  }

  /** Whether something was written or made that no {@link sync} has taken on. */
  get isDirty(): boolean {
    return this.#dirtyFiles.size > 0 || this.#dirtyDirectories.size > 0
  }

  pathOf(entry: number): string {
    return join(this.#root, this.#file(entry).path)
  }

  /** Counts the file of `entry` among those that the next {@link sync} brings to the disk. */
  markDirty(entry: number): void {
    this.#dirtyFiles.add(entry)
    this.#dirtyDirectories.add(dirname(this.pathOf(entry)))
  }

  /**
   * Writes chunk `chunk`, which `frame` is checked to hold, to all its places.
   *
   * @throws {ProtocolError} when the frame is not that of the chunk
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; `FOREIGN_FILES`, `CORRUPT` if something else has taken a file's place
   */
  async place(chunk: number, frame: Uint8Array): Promise<void> {
    const index = this.#index
    const places = this.#toWrite(chunk)
    const delta = this.#deltaOf(chunk, frame)
    const made = await this.#placer.place({
      frame,
      digest: index.chunkDigest(chunk),
      plainBytes: index.chunkBytes(chunk),
      places,
      ...(delta === undefined ? {} : { delta }),
    })
    this.#written(places, made)
  }

  /**
   * Writes chunk `chunk` to all its places from wherever on this machine it is; false if it is nowhere in `from`.
   *
   * @throws {StorageError} as {@link place}
   */
  async copy(chunk: number, from: readonly ChunkLocation[]): Promise<boolean> {
    const index = this.#index
    const places = this.#toWrite(chunk)
    if (places.length === 0) return true
    if (from.length === 0) return false
    const made = await this.#placer.copy({ from, digest: index.chunkDigest(chunk), plainBytes: index.chunkBytes(chunk), places })
    if (made !== undefined) this.#written(places, made)
    return made !== undefined
  }

  /**
   * Takes a whole file over for `entry`, in which no chunk was placed; how, or `undefined` if it cannot be done.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  async adopt(entry: number, from: WholeFile, methods: readonly AdoptMethod[]): Promise<AdoptMethod | undefined> {
    const adopted = await this.#placer.adopt({ file: this.#target(entry), from, mode: this.#file(entry).mode, methods })
    if (adopted === undefined) return undefined
    this.#adopted.add(entry)
    if (adopted.method !== 'link') {
      this.#linked.delete(entry)
      this.#learn([adopted])
      return adopted.method
    }
    // Another name of a file that is on the disk: only the name is new.
    this.#linked.set(entry, from)
    this.#inodes.set(entry, adopted.inode)
    this.#dirtyDirectories.add(dirname(this.pathOf(entry)))
    return adopted.method
  }

  /** Whether chunk `chunk` is in a file that came by another name: that it is in place is not to be believed by the next run. */
  isLinked(chunk: number): boolean {
    return this.#linked.size > 0 && this.#index.places(chunk).some(({ entry }) => this.#linked.has(entry))
  }

  /** Files that came by another name. */
  get linked(): ReadonlyMap<number, WholeFile> {
    return this.#linked
  }

  /** The files that came by another name are what they were, and ours from now on; the chunks in them. */
  ownLinked(): ReadonlySet<number> {
    const chunks = new Set<number>()
    for (const [entry, { inode }] of this.#linked) {
      this.#onCreated({ entry, inode })
      for (const { chunk } of this.#index.chunksOfFile(entry)) chunks.add(chunk)
    }
    this.#linked.clear()
    return chunks
  }

  /** Whether nothing of chunk `chunk` has to be written: the files that it is in came as a whole. */
  isAdopted(chunk: number): boolean {
    return this.#index.places(chunk).every(({ entry }) => this.#adopted.has(entry))
  }

  /** Bytes to be written for chunk `chunk`. */
  bytesToWrite(chunk: number): number {
    return this.#index.chunkBytes(chunk) * this.#index.places(chunk).filter(({ entry }) => !this.#adopted.has(entry)).length
  }

  /** The plain frame of chunk `chunk`; `undefined` if it is not in place as it was. */
  async read(chunk: number): Promise<Uint8Array | undefined> {
    const index = this.#index
    const { entry, offset } = index.places(chunk)[0]!
    return this.#placer.read({
      path: this.pathOf(entry),
      offset,
      plainBytes: index.chunkBytes(chunk),
      digest: index.chunkDigest(chunk),
    })
  }

  /** Makes the file of `entry` if it is not there: what an empty file needs. */
  async create(entry: number): Promise<void> {
    this.#learn(await this.#placer.make(this.#target(entry)))
  }

  /** The file of `entry` is not the one that was made here: the next write takes whatever is in its place. */
  async forget(entry: number): Promise<void> {
    this.#inodes.delete(entry)
    this.#adopted.delete(entry)
    this.#linked.delete(entry)
    await this.#placer.forget(entry)
  }

  /**
   * Brings everything written before the call, or of it what is in files of `stage`, to the disk, contents first, then names.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`. The disk may then have lost any of it: the kernel reports that only once.
   */
  async sync(stage?: StageClass): Promise<void> {
    const [allFiles, allDirectories] = [this.#dirtyFiles, this.#dirtyDirectories]
    const files = stage === undefined ? allFiles : new Set([...allFiles].filter((entry) => this.#file(entry).stage === stage))
    const directories = stage === undefined ? allDirectories : new Set([...files].map((entry) => dirname(this.pathOf(entry))))
    this.#dirtyFiles = allFiles.difference(files)
    this.#dirtyDirectories = allDirectories.difference(directories)
    if (files.size > 0) await this.#placer.sync([...files].map((entry) => this.#target(entry)))
    await forEachBounded(directories, SYNC_CONCURRENCY, async (path) => {
      await syncDirectory(path).catch((cause: unknown) => {
        throw storageErrorOf(cause, path)
      })
    })
  }

  /** Chunk `chunk` is damaged: the files that it is in are to be written again. */
  damaged(chunk: number): void {
    for (const { entry } of this.#index.places(chunk)) this.#adopted.delete(entry)
  }

  /** Closes every file. */
  close(): Promise<void> {
    return this.#placer.release()
  }

  /** @throws {ProtocolError} `MALFORMED`; {StorageError} `BASE_MISSING` */
  #deltaOf(chunk: number, frame: Uint8Array): DeltaBases | undefined {
    const recipe = deltaRecipe(frame)
    if (recipe === undefined) return undefined
    const path = this.pathOf(this.#index.places(chunk)[0]!.entry)
    const bases = recipe.bases.map((digest) => {
      const plainBytes = this.#bases?.bytesOf(digest)
      const from = this.#bases?.locateDigest(digest) ?? []
      if (plainBytes === undefined || from.length === 0)
        throw new StorageError({ code: 'BASE_MISSING', path, chunk, base: Buffer.from(digest).toString('hex') })
      // A copy: the frame's memory goes where the frame goes.
      return { digest: digest.slice(), plainBytes, from }
    })
    return { chunk, path, bases }
  }

  #toWrite(chunk: number): PlaceJob['places'] {
    const places = this.#index.places(chunk).filter(({ entry }) => !this.#adopted.has(entry))
    return places.map(({ entry, offset }) => ({ file: this.#target(entry), offset }))
  }

  #written(places: PlaceJob['places'], made: readonly PlacedFile[]): void {
    this.#learn(made)
    for (const { file } of places) this.#dirtyFiles.add(file.entry)
  }

  #learn(made: readonly PlacedFile[]): void {
    for (const file of made) {
      // Several chunks of a new file may have been on their way at once.
      if (this.#inodes.get(file.entry) === file.inode) continue
      this.#inodes.set(file.entry, file.inode)
      this.#onCreated(file)
      this.markDirty(file.entry)
    }
  }

  #target(entry: number): TargetFile {
    const file = this.#file(entry)
    return { entry, path: join(this.#root, file.path), bytes: file.bytes, mode: workingMode(file), inode: this.#inodes.get(entry) }
  }

  #file(entry: number): IndexedFile {
    const file = this.#index.entries[entry]
    if (file?.type !== 'file') throw new RangeError(`entry ${entry} is not a file`)
    return file
  }
}
