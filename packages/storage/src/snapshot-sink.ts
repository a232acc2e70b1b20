import type { Bitmap } from '@cairn/protocol'

/**
 * Where a download delivers: the place-in-file store of a joining node, or the block store of a cache.
 * The sink verifies every chunk before it makes it last, since it does both in one go and away from the main thread.
 */
export interface SnapshotSink {
  /** Chunks already delivered, by chunk index. Live: grows as `deliver` resolves. Callers only read it. */
  readonly have: Bitmap
  /**
   * Takes chunk `index` as it came over the wire. Resolves when the chunk survives `kill -9` of this process; the sink does not use
   * the frame's memory after that. Concurrent calls for different chunks are welcome.
   *
   * @throws {ProtocolError} if `frame` is not that of the chunk: nothing of it is kept
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  deliver(index: number, frame: Uint8Array): Promise<void>
}
