import assert from 'node:assert/strict'
import type { ChunkingParameters } from '@cairn/protocol'
import { type FsBlockStore, type OpenPack, StorageError, WorkerThread } from '@cairn/storage'
import { OriginError } from '../errors.ts'
import { PACK_BYTES } from '../limits.ts'
import type { CutReply, Extent, IngestCall, IngestReply } from './ingest-calls.ts'

/** Its buffers are outside of this; what is left are the strings and arrays of one call. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 }

/**
 * One thread of a publication with the pack that it fills: cuts, then stores what of it the store lacks.
 *
 * Both throw {OriginError} `SOURCE_CHANGED`, `THREAD_FAILED` or {StorageError} `NO_SPACE`, `IO_FAILED`.
 */
export class IngestThread implements AsyncDisposable {
  readonly #thread = new WorkerThread<IngestCall, IngestReply>(new URL('./ingest-worker.ts', import.meta.url), RESOURCE_LIMITS)
  #pack: OpenPack | undefined
  #packBytes = 0

  async cut(extents: readonly Extent[], chunking: ChunkingParameters): Promise<CutReply> {
    const reply = await this.#call({ type: 'cut', extents, chunking })
    assert(reply.type === 'cut')
    return reply
  }

  /** Stores these of the chunks that were cut last; returns the bytes that the store grew by. */
  async store(chunks: readonly number[], store: FsBlockStore): Promise<number> {
    this.#pack ??= await store.createPack()
    const { pack, path } = this.#pack
    const reply = await this.#call({ type: 'store', chunks, path })
    assert(reply.type === 'stored')
    const bytes = store.takePacked(pack, reply.frames)
    this.#packBytes += bytes
    if (this.#packBytes >= PACK_BYTES) this.seal(store)
    return bytes
  }

  /** Ends the pack that the thread was filling. */
  seal(store: FsBlockStore): void {
    if (this.#pack !== undefined) store.sealPack(this.#pack.pack)
    this.#pack = undefined
    this.#packBytes = 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread[Symbol.asyncDispose]()
  }

  async #call(call: IngestCall): Promise<Exclude<IngestReply, { type: 'failed' }>> {
    let reply: IngestReply
    try {
      reply = await this.#thread.call(call)
    } catch (cause) {
      throw new OriginError({ code: 'THREAD_FAILED', reason: cause instanceof Error ? cause.message : String(cause) }, { cause })
    }
    if (reply.type !== 'failed') return reply
    throw reply.fault.of === 'origin' ? new OriginError(reply.fault.fault) : new StorageError(reply.fault.fault)
  }
}
