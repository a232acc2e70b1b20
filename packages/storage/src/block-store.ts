import type { CID } from 'multiformats/cid'

/**
 * Anything a participant can serve blocks from: a chunk store, a published directory, a joined directory.
 *
 * A *block* is a chunk (CID codec `raw`) or a manifest page or root (codec `dag-cbor`).
 * What is stored and served is its *frame* (`protocol`'s `encodeFrame`): the plain bytes or a zstd frame, with one byte that tells which.
 */
export interface BlockSource {
  has(cid: CID): boolean
  /**
   * The frame of `cid`, or `undefined` when it is not here (any more).
   *
   * @throws {StorageError} `IO_FAILED`, `CORRUPT` (the block is dropped, later calls say `undefined`)
   */
  get(cid: CID): Promise<Uint8Array | undefined>
}

/** A {@link BlockSource} that blocks are added to: the stores of origins and caches, and of manifest pages everywhere. */
export interface BlockStore extends BlockSource, AsyncDisposable {
  /**
   * Keeps a frame that the caller has verified. Visible to `has` and `get` when the promise resolves.
   * Durable after the next {@link flush}. Putting what is there already is a no-op.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`; the store stays usable and holds everything it held
   */
  put(cid: CID, frame: Uint8Array): Promise<void>
  delete(cid: CID): Promise<void>
  /** Bytes of `cid`'s frame, or `undefined`. */
  frameBytes(cid: CID): number | undefined
  /** Sum of the bytes of all frames. */
  readonly totalBytes: number
  readonly blocksCount: number
  /** Every CID held, in no particular order. */
  cids(): Iterable<CID>
  /** Makes everything put so far survive a power cut: data first, then the index that mentions it. */
  flush(): Promise<void>
  close(): Promise<void>
}
