import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import {
  type BuiltManifest,
  chunkCid,
  encodeFrame,
  ManifestBuilder,
  type ManifestBuilderInit,
  SHA256_BYTES,
  SKETCH_VALUES,
  type SketchTable,
  SketchTableBuilder,
} from '@cairn/protocol'
import type { FsBlockStore } from '@cairn/storage'
import { INGEST_THREADS_MAX, readBytesOf } from '../limits.ts'
import type { CutReply, Extent } from './ingest-calls.ts'
import { IngestThread } from './ingest-thread.ts'
import { type IngestUnit, ingestUnits } from './ingest-unit.ts'
import type { PublishPlan } from './plan.ts'

export interface IngestInit {
  readonly directory: string
  readonly plan: PublishPlan
  readonly manifest: ManifestBuilderInit
  /** Takes the manifest's pages and, unless `keepChunks` is false, the chunks. */
  readonly store: FsBlockStore
  /** False for an origin that serves from the published directory itself. */
  readonly keepChunks: boolean
  /** Threads that read, cut, hash, compress and write; as many as there are cores if absent, at most {@link INGEST_THREADS_MAX}. */
  readonly threadsCount?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (bytesDone: number, storedBytes: number) => void
}

/** What became of a directory. */
export interface Ingested extends BuiltManifest {
  /** Of every chunk, for finding near ones in other snapshots. */
  readonly sketches: SketchTable
}

/**
 * Reads every file once, on several threads, and builds the manifest in order: it does not depend on their number.
 *
 * Memory is a reading buffer and some frames for each thread, whatever the size of the input.
 *
 * @throws {OriginError} `SOURCE_CHANGED`, `THREAD_FAILED`
 * @throws {StorageError} `NO_SPACE`, `IO_FAILED`
 */
export async function ingest(init: IngestInit): Promise<Ingested> {
  const { plan, store, manifest } = init
  const pages: Promise<void>[] = []
  const builder = new ManifestBuilder(manifest, (cid, bytes) => pages.push(store.put(cid, encodeFrame(bytes))))
  const threads = Math.min(threadsCount(init), Math.ceil(plan.bytes / readBytesOf(manifest.chunking)) || 1)
  const sketches = await new Ingestion(init, builder).run(threads)
  const built = builder.finish()
  await Promise.all(pages)
  await store.put(built.cid, encodeFrame(built.bytes))
  return { ...built, sketches }
}

function threadsCount(init: IngestInit): number {
  return init.threadsCount ?? Math.min(availableParallelism(), INGEST_THREADS_MAX)
}

/** What one thread does before it is handed the next. */
interface Piece {
  readonly entries: IngestUnit['entries']
  readonly extents: readonly Extent[]
  /** Settles when the extents are cut. */
  readonly cut: PromiseWithResolvers<CutReply>
}

const NOTHING: CutReply = { type: 'cut', digests: new Uint8Array(0), sketches: new Uint32Array(0), lengths: [], parts: [] }

class Ingestion {
  readonly #init: IngestInit
  readonly #builder: ManifestBuilder
  readonly #sketches = new SketchTableBuilder()
  /** Chunks that some thread is storing: no other needs to. */
  readonly #claimed = new Set<string>()
  /** Ends when all pieces so far are in the manifest; never rejects. */
  #listed: Promise<void> = Promise.resolve()
  #failure: { readonly error: unknown } | undefined
  #bytesDone = 0
  #storedBytes = 0

  constructor(init: IngestInit, builder: ManifestBuilder) {
    this.#init = init
    this.#builder = builder
  }

  /** On a failure every thread ends what it has in hand first, so that nothing is written to a store that is closing. */
  async run(threadsCount: number): Promise<SketchTable> {
    const pieces = this.#pieces()
    const lanes = Array.from({ length: threadsCount }, () => this.#work(pieces).catch((error: unknown) => this.#fail(error)))
    await Promise.all(lanes)
    await this.#listed
    if (this.#failure !== undefined) throw this.#failure.error
    return this.#sketches.finish()
  }

  async #work(pieces: AsyncIterable<Piece>): Promise<void> {
    const { store, manifest, keepChunks } = this.#init
    await using thread = new IngestThread()
    // A lane that throws ends the pieces for the others too.
    for await (const { extents, cut } of pieces) {
      try {
        const reply = extents.length === 0 ? NOTHING : await thread.cut(extents, manifest.chunking)
        cut.resolve(reply)
        if (keepChunks) await this.#storeMissing(reply, thread)
      } catch (error) {
        cut.reject(error)
        throw error
      }
    }
    thread.seal(store)
  }

  /** Pieces in the order of the manifest; a part of a large file when the one before it is cut, since that says where it begins. */
  async *#pieces(): AsyncGenerator<Piece> {
    const { plan, manifest, directory } = this.#init
    const bytesMax = readBytesOf(manifest.chunking)
    for (const { entries, bytes } of ingestUnits(plan, bytesMax)) {
      const extents = entries.flatMap(({ entry }) =>
        entry.type === 'file' ? [{ path: join(directory, entry.path), bytes: entry.bytes, start: 0 }] : [],
      )
      if (bytes <= bytesMax) yield this.#piece(entries, extents)
      else yield* this.#parts(entries, extents[0]!)
    }
  }

  async *#parts(entries: Piece['entries'], file: Extent): AsyncGenerator<Piece> {
    for (let extent = file; extent.start < file.bytes;) {
      const piece = this.#piece(entries, [extent])
      yield piece
      const [part] = (await piece.cut.promise).parts
      extent = { ...file, start: part!.end, modifiedMs: part!.modifiedMs }
    }
  }

  #piece(entries: Piece['entries'], extents: readonly Extent[]): Piece {
    this.#init.signal?.throwIfAborted()
    if (this.#failure !== undefined) throw this.#failure.error
    const cut = Promise.withResolvers<CutReply>()
    const piece = { entries, extents, cut }
    this.#listed = Promise.all([cut.promise, this.#listed])
      .then(([reply]) => this.#list(piece, reply))
      .catch((error: unknown) => this.#fail(error))
    return piece
  }

  #list({ entries, extents }: Piece, { digests, sketches, lengths, parts }: CutReply): void {
    let file = 0
    let chunk = 0
    for (const { stage, entry } of entries) {
      if (entry.type !== 'file') {
        this.#builder.add(stage, entry)
        continue
      }
      if (extents[file]!.start === 0) {
        this.#builder.startFile(stage, { type: 'file', path: entry.path, mode: entry.mode, bytes: entry.bytes })
      }
      for (const end = chunk + parts[file]!.chunksCount; chunk < end; chunk++) {
        const index = this.#builder.addChunk({ digest: digestAt(digests, chunk), bytes: lengths[chunk]! })
        this.#sketches.add(index, sketches.subarray(chunk * SKETCH_VALUES, (chunk + 1) * SKETCH_VALUES))
        this.#bytesDone += lengths[chunk]!
      }
      file++
    }
    this.#init.onProgress?.(this.#bytesDone, this.#storedBytes)
  }

  async #storeMissing({ digests, lengths }: CutReply, thread: IngestThread): Promise<void> {
    const { store } = this.#init
    const missing: number[] = []
    const claims: string[] = []
    for (let chunk = 0; chunk < lengths.length; chunk++) {
      const digest = digestAt(digests, chunk)
      const claim = Buffer.from(digest).toString('latin1')
      if (this.#claimed.has(claim) || store.has(chunkCid(digest))) continue
      this.#claimed.add(claim)
      claims.push(claim)
      missing.push(chunk)
    }
    if (missing.length > 0) this.#storedBytes += await thread.store(missing, store)
    for (const claim of claims) this.#claimed.delete(claim)
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
  }
}

function digestAt(digests: Uint8Array, chunk: number): Uint8Array {
  return digests.subarray(chunk * SHA256_BYTES, (chunk + 1) * SHA256_BYTES)
}
