import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AnchorIndex,
  anchorsOf,
  CHUNK_BYTES_MAX,
  CHUNK_ITEM_BYTES,
  CHUNKING,
  type ChunkingParameters,
  type ChunkingProfile,
  cutPoints,
  decodeFrame,
  encodeFrame,
  encodeFromPieces,
  PieceFinder,
  sha256,
  sketchChunk,
  SketchIndex,
  type SketchedSnapshot,
  STAGES,
} from '@cairn/protocol'
import type { BlockSource } from '@cairn/storage'
import { readFrame } from '../deltas/read-frame.ts'
import { SAMPLE_PARENT_BYTES_MAX, SAMPLE_WINDOW_BYTES, SAMPLE_WINDOWS } from '../limits.ts'
import type { ProfileFigures } from './choose-profile.ts'
import type { PublishPlan } from './plan.ts'

export interface MeasureInit {
  readonly directory: string
  readonly plan: PublishPlan
  /** The snapshot before, with its sketches and its chunks. */
  readonly parent?: { readonly snapshot: SketchedSnapshot; readonly source: BlockSource }
}

/** Chunks of the parent that are looked at for one of the sample. */
const NEAR_CHUNKS_MAX = 8

interface SampleChunk {
  readonly plain: Uint8Array
  readonly digest: Uint8Array
  readonly sketch: Uint32Array
}

/**
 * Cuts a sample of `directory` with every profile, and compares it with what is near to it in the parent: some windows of 4 MiB spread
 * over all files, so that it takes about as long for a terabyte as for a gigabyte.
 *
 * Files that change meanwhile make the figures wrong and nothing else.
 */
export async function measureProfiles(init: MeasureInit): Promise<readonly ProfileFigures[]> {
  const windows = await readWindows(init)
  const runs = init.parent === undefined ? [] : await nearRuns(windows, init.parent.snapshot, init.parent.source)
  return (Object.keys(CHUNKING) as ChunkingProfile[]).map((profile) => figuresOf(profile, windows, runs))
}

/** A part of a file, and whether the file begins and ends with it. */
interface Window {
  readonly plain: Uint8Array
  readonly isStart: boolean
  readonly isEnd: boolean
}

/** At each of some places, evenly spread over the bytes of all files, a part of a large file or several small ones. */
async function readWindows({ directory, plan }: MeasureInit): Promise<readonly Window[]> {
  const step = Math.max(plan.bytes / SAMPLE_WINDOWS, SAMPLE_WINDOW_BYTES)
  const windows: Window[] = []
  let before = 0
  let next = 0
  let budget = 0
  for (const entry of STAGES.flatMap((stage) => plan.sections[stage])) {
    if (entry.type !== 'file' || entry.bytes === 0) continue
    let start = 0
    while (start < entry.bytes) {
      if (before + start >= next) {
        budget = SAMPLE_WINDOW_BYTES
        next += step
      }
      const bytes = Math.min(budget, entry.bytes - start)
      if (bytes > 0) windows.push(await readWindow(join(directory, entry.path), start, bytes, entry.bytes))
      budget -= bytes
      // To the end of what was read, or to the next place.
      start = bytes > 0 ? start + bytes : Math.max(start + 1, Math.floor(next - before))
    }
    before += entry.bytes
  }
  return windows
}

async function readWindow(path: string, start: number, bytes: number, fileBytes: number): Promise<Window> {
  await using file = await open(path)
  const plain = new Uint8Array(bytes)
  const { bytesRead } = await file.read(plain, 0, bytes, start)
  return { plain: plain.subarray(0, bytesRead), isStart: start === 0, isEnd: start + bytes === fileBytes }
}

/** The parent's bytes that the windows have to do with: chunks that are there too or are near, with those beside them, in one piece each. */
async function nearRuns(
  windows: readonly Window[],
  { index, sketches }: SketchedSnapshot,
  source: BlockSource,
): Promise<readonly Window[]> {
  const lookup = new SketchIndex(sketches)
  const wanted = new Set<number>()
  for (const window of windows) {
    for (const { digest, sketch } of chunksOf(window, index.root.chunking)) {
      const same = index.findChunk(digest)
      const near = same === undefined ? lookup.cover(sketch, NEAR_CHUNKS_MAX) : [same]
      for (const chunk of near) for (const beside of [chunk - 1, chunk, chunk + 1]) wanted.add(beside)
    }
  }
  const runs: Window[] = []
  let run: Uint8Array[] = []
  let bytes = 0
  const closeRun = (): void => {
    if (run.length > 0) runs.push({ plain: Buffer.concat(run), isStart: true, isEnd: true })
    run = []
  }
  for (const chunk of [...wanted].filter((chunk) => chunk >= 0 && chunk < index.chunksCount).sort((a, b) => a - b)) {
    if (!wanted.has(chunk - 1)) closeRun()
    bytes += index.chunkBytes(chunk)
    if (bytes > SAMPLE_PARENT_BYTES_MAX) break
    const frame = await readFrame(source, index.chunkCid(chunk))
    if (frame !== undefined) run.push(decodeFrame(frame, CHUNK_BYTES_MAX))
  }
  closeRun()
  return runs
}

function figuresOf(profile: ChunkingProfile, windows: readonly Window[], runs: readonly Window[]): ProfileFigures {
  const parameters = CHUNKING[profile]
  const old = runs.flatMap((run) => chunksOf(run, parameters))
  const known = new Set(old.map(({ digest }) => keyOf(digest)))
  const finder = finderOf(old)
  const sums = { plain: 0, compressed: 0, reused: 0, fetched: 0, chunks: 0 }
  for (const { plain, digest } of windows.flatMap((window) => chunksOf(window, parameters))) {
    const frameBytes = encodeFrame(plain).byteLength
    sums.plain += plain.byteLength
    sums.compressed += frameBytes
    sums.chunks += 1
    if (known.has(keyOf(digest))) sums.reused += plain.byteLength
    else {
      const pieces = finder.find(plain)
      sums.fetched +=
        pieces.length === 0 ? frameBytes : Math.min(frameBytes, encodeFromPieces(plain, pieces, (chunk) => old[chunk]!).byteLength)
    }
  }
  const partOf = (bytes: number): number => bytes / Math.max(1, sums.plain)
  return {
    profile,
    compressed: partOf(sums.compressed),
    reused: partOf(sums.reused),
    fetched: partOf(sums.fetched),
    manifest: partOf(sums.chunks * CHUNK_ITEM_BYTES),
  }
}

function finderOf(old: readonly SampleChunk[]): PieceFinder {
  const starts = new Float64Array(old.length + 1)
  for (const [chunk, { plain }] of old.entries()) starts[chunk + 1] = starts[chunk]! + plain.byteLength
  const index = AnchorIndex.for(starts.at(-1)!, starts.at(-1)!)
  for (const [chunk, { plain }] of old.entries()) index.add(starts[chunk]!, anchorsOf(plain, index.table.bits))
  return new PieceFinder(index, starts)
}

/** Chunks of a window, without those at its edges that the file would have cut elsewhere. */
function chunksOf({ plain, isStart, isEnd }: Window, parameters: ChunkingParameters): readonly SampleChunk[] {
  const ends = cutPoints(plain, parameters)
  const chunks = ends.map((end, i) => plain.subarray(ends[i - 1] ?? 0, end))
  return chunks.slice(isStart ? 0 : 1, isEnd ? undefined : -1).map((chunk) => {
    return { plain: chunk, digest: sha256(chunk), sketch: sketchChunk(chunk, parameters) }
  })
}

function keyOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('latin1')
}
