import { join } from 'node:path'
import { type BuiltManifest, chunkCid, encodeFrame, ManifestBuilder, type ManifestBuilderInit, STAGES } from '@cairn/protocol'
import { ByteSemaphore } from '@cairn/runtime'
import { type BlockStore, digestInPool, packInPool } from '@cairn/storage'
import { INGEST_BYTES_MAX } from '../limits.ts'
import { chunksOfFile } from './ingest-file.ts'
import type { PublishPlan } from './plan.ts'

export interface IngestInit {
  readonly directory: string
  readonly plan: PublishPlan
  readonly manifest: ManifestBuilderInit
  /** Takes the manifest's pages and, unless `keepChunks` is false, the chunks. */
  readonly store: BlockStore
  /** False for an origin that serves from the published directory itself. */
  readonly keepChunks: boolean
  readonly signal?: AbortSignal
  readonly onProgress?: (bytesDone: number, storedBytes: number) => void
}

/**
 * Reads every file once: cut, hash, compress and store overlap, the manifest is built in order.
 *
 * Memory is {@link INGEST_BYTES_MAX} whatever the size of the input: a chunk holds its share from the cut until it is stored.
 */
export async function ingest(init: IngestInit): Promise<BuiltManifest> {
  const { directory, plan, store, keepChunks, signal } = init
  const pages: Promise<void>[] = []
  const builder = new ManifestBuilder(init.manifest, (cid, bytes) => pages.push(store.put(cid, encodeFrame(bytes))))
  const pipeline = new Pipeline(store, keepChunks, init.onProgress)
  for (const stage of STAGES) {
    for (const entry of plan.sections[stage]) {
      signal?.throwIfAborted()
      if (entry.type !== 'file') {
        pipeline.inOrder(() => builder.add(stage, entry))
        continue
      }
      pipeline.inOrder(() => builder.startFile(stage, { type: 'file', path: entry.path, mode: entry.mode, bytes: entry.bytes }))
      for await (const plain of chunksOfFile(join(directory, entry.path), entry.bytes, init.manifest.chunking)) {
        signal?.throwIfAborted()
        await pipeline.chunk(plain, (digest) => builder.addChunk({ digest, bytes: plain.byteLength }))
      }
    }
  }
  await pipeline.drain()
  const manifest = builder.finish()
  await Promise.all(pages)
  await store.put(manifest.cid, encodeFrame(manifest.bytes))
  return manifest
}

/** Runs the work on chunks side by side and hands the results on in the order in which the chunks came. */
class Pipeline {
  readonly #store: BlockStore
  readonly #keepChunks: boolean
  readonly #onProgress: (bytesDone: number, storedBytes: number) => void
  readonly #memory = new ByteSemaphore(INGEST_BYTES_MAX)
  /** Ends when everything handed in so far has been handed on. */
  #tail: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #bytesDone = 0
  #storedBytes = 0

  constructor(store: BlockStore, keepChunks: boolean, onProgress: IngestInit['onProgress']) {
    this.#store = store
    this.#keepChunks = keepChunks
    this.#onProgress = onProgress ?? (() => {})
  }

  inOrder(work: () => void): void {
    this.#tail = this.#tail.then(work).catch((error: unknown) => {
      this.#failure ??= { error }
    })
  }

  /** Resolves when there is room for the next chunk. */
  async chunk(plain: Uint8Array<ArrayBuffer>, onDigest: (digest: Uint8Array) => void): Promise<void> {
    const release = await this.#memory.acquire(plain.byteLength)
    if (this.#failure !== undefined) throw this.#failure.error
    const stored = this.#digestAndStore(plain)
    const before = this.#tail
    this.#tail = (async () => {
      try {
        await before
        onDigest(await stored)
        this.#bytesDone += plain.byteLength
        this.#onProgress(this.#bytesDone, this.#storedBytes)
      } catch (error) {
        this.#failure ??= { error }
      } finally {
        release()
      }
    })()
  }

  async drain(): Promise<void> {
    await this.#tail
    if (this.#failure !== undefined) throw this.#failure.error
  }

  async #digestAndStore(plain: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const digest = await digestInPool(plain)
    const cid = chunkCid(digest)
    if (!this.#keepChunks || this.#store.has(cid)) return digest
    const frame = await packInPool(plain)
    await this.#store.put(cid, frame)
    this.#storedBytes += frame.byteLength
    return digest
  }
}
