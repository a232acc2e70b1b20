// A thread of publish: reads, cuts and hashes; compresses and writes what the store lacks. One call does all of it for some megabytes.
import {
  type ChunkingParameters,
  chunkCidBytes,
  cutChunk,
  encodeFramePieces,
  SHA256_BYTES,
  SKETCH_VALUES,
  Sketcher,
  sha256,
} from '@cairn/protocol/chunk'
import { type PackedFrame, PackWriter, serveCalls, StorageError } from '@cairn/storage/worker'
import { OriginError } from '../errors.ts'
import { readBytesOf, WRITE_BYTES } from '../limits.ts'
import type { CutPart, CutReply, Extent, IngestCall, IngestReply } from './ingest-calls.ts'
import { SourceFile } from './source-file.ts'

interface CutChunk {
  readonly digest: Uint8Array
  /** Its bytes, in the reading buffer. */
  readonly plain: Uint8Array
  readonly sketch: Uint32Array
}

/** Taken once and used for all that is read: a fresh buffer each time would be a page fault for every 4 KiB. */
let buffer = Buffer.alloc(0)
let chunks: CutChunk[] = []
let writer: PackWriter | undefined
const sketcher = new Sketcher()

serveCalls((call: IngestCall): IngestReply => {
  try {
    return call.type === 'cut' ? cut(call.extents, call.chunking) : { type: 'stored', frames: store(call.chunks, call.path) }
  } catch (error) {
    if (error instanceof OriginError) return { type: 'failed', fault: { of: 'origin', fault: error.fault } }
    if (error instanceof StorageError) return { type: 'failed', fault: { of: 'storage', fault: error.fault } }
    throw error
  }
})

function cut(extents: readonly Extent[], chunking: ChunkingParameters): CutReply {
  const bytesMax = readBytesOf(chunking)
  if (buffer.byteLength < bytesMax) buffer = Buffer.allocUnsafeSlow(bytesMax)
  chunks = []
  const parts: CutPart[] = []
  let filled = 0
  for (const extent of extents) {
    using file = new SourceFile(extent)
    const wanted = Math.min(bytesMax - filled, extent.bytes - extent.start)
    file.read(buffer.subarray(filled, filled + wanted), extent.start)
    const { modifiedMs } = file.checkUnchanged()
    const before = chunks.length
    const end = cutPlain(buffer.subarray(filled, filled + wanted), extent.start + wanted === extent.bytes, chunking)
    parts.push({ end: extent.start + end, chunksCount: chunks.length - before, modifiedMs })
    filled += wanted
  }
  const digests = new Uint8Array(chunks.length * SHA256_BYTES)
  const sketches = new Uint32Array(chunks.length * SKETCH_VALUES)
  chunks.forEach(({ digest, sketch }, position) => {
    digests.set(digest, position * SHA256_BYTES)
    sketches.set(sketch, position * SKETCH_VALUES)
  })
  return { type: 'cut', digests, sketches, lengths: chunks.map(({ plain }) => plain.byteLength), parts }
}

/** Cuts as far as cuts are certain: to the end of the file, or to where the longest chunk might not fit. Returns where that is. */
function cutPlain(plain: Uint8Array, isEnd: boolean, chunking: ChunkingParameters): number {
  let start = 0
  while (start < plain.byteLength && (isEnd || plain.byteLength - start >= chunking.bytesMax)) {
    sketcher.reset()
    const end = cutChunk(plain, start, plain.byteLength, chunking, sketcher)
    const chunk = plain.subarray(start, end)
    chunks.push({ digest: sha256(chunk), plain: chunk, sketch: sketcher.values.slice() })
    start = end
  }
  return start
}

function store(positions: readonly number[], path: string): PackedFrame[] {
  if (writer?.path !== path) {
    writer?.[Symbol.dispose]()
    writer = new PackWriter(path)
  }
  const packed: PackedFrame[] = []
  const batch: { readonly cid: Uint8Array; readonly frame: readonly Uint8Array[] }[] = []
  let batchBytes = 0
  for (const position of positions) {
    const { digest, plain } = chunks[position]!
    const frame = encodeFramePieces(plain)
    batch.push({ cid: chunkCidBytes(digest), frame })
    batchBytes += frame[1].byteLength
    if (batchBytes < WRITE_BYTES && position !== positions.at(-1)) continue
    packed.push(...writer.append(batch))
    for (const { frame } of batch) for (const piece of frame) free(piece)
    batch.length = 0
    batchBytes = 0
  }
  return packed
}

/**
 * Gives memory back at once: what V8 sees pile up outside of its heap makes it collect the whole heap, which was an eighth of the time that
 * compressing takes. Unlike `freeMemory` this takes a buffer of which little was needed: zlib makes them as long as the input.
 */
function free({ buffer: memory }: Uint8Array): void {
  // Small pieces are parts of Node's pool.
  if (memory instanceof ArrayBuffer && memory !== buffer.buffer && memory.byteLength > Buffer.poolSize) memory.transfer(0)
}
