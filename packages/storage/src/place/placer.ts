import type { PlacedFile } from './journal-codec.ts'

/** A file of the target as whoever writes it has to make or find it. */
export interface TargetFile {
  /** Its entry in the manifest. */
  readonly entry: number
  /** Absolute; the directories before the name are known to be directories. */
  readonly path: string
  readonly bytes: number
  /** Permission bits while it is being written. */
  readonly mode: number
  /** Number of the inode that was made for it; `undefined` if none was. */
  readonly inode: bigint | undefined
}

/** One chunk, as it came from a peer, and where it goes. */
export interface PlaceJob {
  readonly frame: Uint8Array
  /** SHA-256 of the plain bytes. */
  readonly digest: Uint8Array
  readonly plainBytes: number
  readonly places: readonly { readonly file: TargetFile; readonly offset: number }[]
}

/** Where a chunk that was placed can be read back. */
export interface ReadJob {
  readonly path: string
  readonly offset: number
  readonly plainBytes: number
  readonly digest: Uint8Array
}

/** Checks, inflates and writes chunks, wherever it does that. It keeps files open, and knows nothing of the journal. */
export interface Placer extends AsyncDisposable {
  /**
   * Checks that the frame holds the chunk, and writes the chunk to all its places, of which there may be none. Gives the files that had
   * no known inode, with theirs. The frame has to stay as it is until then.
   *
   * @throws {ProtocolError} when the frame is not that of the chunk: nothing was written
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; `FOREIGN_FILES`, `CORRUPT` if something else has taken a file's place
   */
  place(job: PlaceJob): Promise<readonly PlacedFile[]>
  /**
   * The plain frame of a chunk that was placed; `undefined` if it is not there as it was.
   *
   * @throws {StorageError} `IO_FAILED`
   */
  read(job: ReadJob): Promise<Uint8Array | undefined>
  /**
   * Makes a file if it is not there.
   *
   * @throws {StorageError} as {@link place}
   */
  make(file: TargetFile): Promise<readonly PlacedFile[]>
  /**
   * Brings the content of files to the disk, two at a time.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`: the disk may have lost what was written before, and says so only once
   */
  sync(files: readonly TargetFile[]): Promise<void>
  /** The file of an entry is not the one that was made: it is closed, and opened again for the next use. */
  forget(entry: number): Promise<void>
  /** Closes every file. The placer may be used again, by the next store, until it is disposed of. */
  release(): Promise<void>
}
