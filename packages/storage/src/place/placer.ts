import type { ChunkingParameters } from '@cairn/protocol/chunk'
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
  /**
   * Another thread has made it, and writes to it too: it is the inode or nothing, and gets no content of its own here. Whoever has given
   * it another name since shares what is written.
   */
  readonly isMade?: true
}

/** One chunk, as it came from a peer, and where it goes. */
export interface PlaceJob {
  readonly frame: Uint8Array
  /** SHA-256 of the plain bytes. */
  readonly digest: Uint8Array
  readonly plainBytes: number
  readonly places: readonly { readonly file: TargetFile; readonly offset: number }[]
  /** What it takes to read a frame that is a delta. */
  readonly delta?: DeltaBases
}

/** A chunk that a delta is made from, and where on this machine it should be. */
export interface BaseChunk {
  readonly digest: Uint8Array
  readonly plainBytes: number
  readonly from: readonly ChunkLocation[]
}

export interface DeltaBases {
  /** Index of the chunk and a path it goes to, for the error that says a base is missing. */
  readonly chunk: number
  readonly path: string
  /** In the order of the frame. */
  readonly bases: readonly BaseChunk[]
}

/** Where a chunk that was placed can be read back. */
export interface ReadJob {
  readonly path: string
  readonly offset: number
  readonly plainBytes: number
  readonly digest: Uint8Array
}

/** Where the plain bytes of a chunk may be on this machine. Nothing is believed before it is hashed. */
export interface ChunkLocation {
  readonly path: string
  readonly offset: number
}

/** A chunk to be copied from the first of several places that still has it. */
export interface CopyJob {
  readonly from: readonly ChunkLocation[]
  readonly digest: Uint8Array
  readonly plainBytes: number
  readonly places: PlaceJob['places']
}

/** By what a file whose content was verified is known again, unread. */
export interface FileFingerprint {
  readonly bytes: number
  readonly inode: bigint
  readonly mtimeNs: bigint
}

/** A file of which every byte is known to be that of some file of a snapshot, as long as its fingerprint holds. */
export interface WholeFile extends FileFingerprint {
  readonly path: string
}

/**
 * How a whole file comes to its place. `move`: the file itself, under its right name. `link`: a second name of it, if it has the wanted
 * permissions, which all its names share. `clone`: a copy that shares its blocks, where the file system can.
 */
export type AdoptMethod = 'move' | 'link' | 'clone'

export interface AdoptJob {
  /** Made anew: whatever has its name is replaced. */
  readonly file: TargetFile
  readonly from: WholeFile
  /** Permission bits that the file will have in the end. */
  readonly mode: number
  /** Tried in this order. */
  readonly methods: readonly AdoptMethod[]
}

export interface AdoptedFile extends PlacedFile {
  readonly method: AdoptMethod
}

/** A piece of a file to be cut and hashed. */
export interface ScanJob {
  readonly path: string
  /** Where a chunk begins: 0, or the end of an earlier piece. */
  readonly offset: number
  readonly chunking: ChunkingParameters
}

/** The chunks of a piece, in order; the piece ends with the last of them. */
export interface ScannedPiece {
  readonly lengths: readonly number[]
  /** 32 bytes a chunk. */
  readonly digests: Uint8Array
  /** Whether the file ends here. */
  readonly isEnd: boolean
}

/** Checks, inflates and writes chunks, wherever it does that. It keeps files open, and knows nothing of the journal. */
export interface Placer extends AsyncDisposable {
  /**
   * Checks that the frame holds the chunk, and writes the chunk to all its places, of which there may be none. Gives the files that had
   * no known inode, with theirs. The frame has to stay as it is until then.
   *
   * @throws {ProtocolError} when the frame is not that of the chunk: nothing was written
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; `FOREIGN_FILES`, `CORRUPT` if something else has taken a file's place;
   *   `BASE_MISSING` if the frame is a delta and what it is made from is not here as it was: nothing was written
   */
  place(job: PlaceJob): Promise<readonly PlacedFile[]>
  /**
   * The plain frame of a chunk that was placed; `undefined` if it is not there as it was.
   *
   * @throws {StorageError} `IO_FAILED`
   */
  read(job: ReadJob): Promise<Uint8Array | undefined>
  /**
   * Writes a chunk that is on this machine already to all its places; gives what {@link place} does, `undefined` if nowhere in `from` is
   * that chunk, or if one of the files was replaced meanwhile: nothing that counts was written.
   *
   * @throws {StorageError} as {@link place}, of the places; what cannot be read is passed over
   */
  copy(job: CopyJob): Promise<readonly PlacedFile[] | undefined>
  /**
   * Gives a file its whole content in one step, unread; `undefined` if no method works or the file is not as its fingerprint says.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`, of the place
   */
  adopt(job: AdoptJob): Promise<AdoptedFile | undefined>
  /** Cuts and hashes the next 8 MiB of a file, or what there is; `undefined` if it cannot be read. */
  scan(job: ScanJob): Promise<ScannedPiece | undefined>
  /**
   * Makes a file if it is not there, and says which it is, also when it was open already.
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
