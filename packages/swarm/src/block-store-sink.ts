import { Bitmap, chunkCid, DELTA_BASES_BYTES_MAX, deltaRecipe, ProtocolError, type SnapshotIndex } from '@cairn/protocol'
import { type BlockStore, LocalPlacer, type Placer, type SnapshotSink, StorageError } from '@cairn/storage'
import { rebuildFrame, type RebuildJob } from './rebuild-frame.ts'

export interface BlockStoreSinkOptions {
  /** Checks the frames, and places nothing. Defaults to one on this thread. */
  readonly placer?: Placer
  /** Turns deltas into frames; see {@link rebuildFrame}, which is the default and takes some milliseconds of this thread. */
  readonly rebuild?: (job: RebuildJob) => Promise<Uint8Array>
  /** Hears of every delta that was turned into a chunk; the frame is the listener's. */
  readonly onDelta?: (chunk: number, delta: Uint8Array) => Promise<void>
}

/** Delivers a snapshot into a block store, frames as they came and deltas as what they stand for: what a cache does. */
export class BlockStoreSink implements SnapshotSink {
  readonly have: Bitmap
  readonly #index: SnapshotIndex
  readonly #store: BlockStore
  readonly #placer: Placer
  readonly #rebuild: (job: RebuildJob) => Promise<Uint8Array>
  readonly #onDelta: BlockStoreSinkOptions['onDelta']

  /** What the store already holds is not fetched again, whichever snapshot it came with. */
  constructor(index: SnapshotIndex, store: BlockStore, options: BlockStoreSinkOptions = {}) {
    this.#index = index
    this.#store = store
    this.#placer = options.placer ?? new LocalPlacer()
    this.#rebuild = options.rebuild ?? (async (job) => rebuildFrame(job))
    this.#onDelta = options.onDelta
    this.have = new Bitmap(index.chunksCount)
    for (let chunk = 0; chunk < index.chunksCount; chunk++) if (store.has(index.chunkCid(chunk))) this.have.set(chunk)
  }

  async deliver(chunk: number, frame: Uint8Array): Promise<void> {
    const index = this.#index
    const digest = index.chunkDigest(chunk)
    const plainBytes = index.chunkBytes(chunk)
    const recipe = deltaRecipe(frame)
    if (recipe === undefined) {
      await this.#placer.place({ frame, digest, plainBytes, places: [] })
      await this.#store.put(index.chunkCid(chunk), frame)
    } else {
      const whole = await this.#rebuild({ delta: frame, bases: await this.#basesOf(chunk, recipe.bases), digest, plainBytes })
      await this.#store.put(index.chunkCid(chunk), whole)
      // A copy: whoever delivers takes the frame's memory back.
      await this.#onDelta?.(chunk, frame.slice())
    }
    this.have.set(chunk)
  }

  /** @throws {ProtocolError} `TOO_LARGE`: before anything is read, by what the frames take, none of which is longer than its chunk and a byte */
  async #basesOf(chunk: number, digests: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    const bytes = digests.reduce((sum, digest) => sum + (this.#store.frameBytes(chunkCid(digest.slice())) ?? 0), 0)
    const max = DELTA_BASES_BYTES_MAX + digests.length
    if (bytes > max) throw new ProtocolError({ code: 'TOO_LARGE', what: 'size of the bases', value: bytes, max })
    return Promise.all(
      digests.map(async (digest) => {
        const cid = chunkCid(digest.slice())
        const frame = await this.#store.get(cid)
        if (frame !== undefined) return frame
        throw new StorageError({ code: 'BASE_MISSING', path: 'the store', chunk, base: cid.toString() })
      }),
    )
  }
}
