import type { Bitmap } from '@cairn/protocol'

/**
 * Where a download delivers: the place-in-file store of a joining node, or the block store of a cache.
 * The caller has verified every chunk it delivers; the sink makes it last.
 */
export interface SnapshotSink {
  /** Chunks already delivered, by chunk index. Live: grows as `deliver` resolves. Callers only read it. */
  readonly have: Bitmap
  /**
   * Takes chunk `index`. `frame` is what came over the wire, `plain` its verified content; the sink uses whichever it keeps.
   * Resolves when the chunk survives `kill -9` of this process. Concurrent calls for different chunks are welcome.
   *
   * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
   */
  deliver(index: number, frame: Uint8Array, plain: Uint8Array): Promise<void>
}
