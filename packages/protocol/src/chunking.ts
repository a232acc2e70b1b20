import { gearTable } from './gear.ts'
import { SAMPLE_BITS } from './limits.ts'

export { gearTable } from './gear.ts'

export type ChunkingProfile = 'edge' | 'balanced' | 'bulk'

/** How files are cut. `bytesAverage` is a power of two; chunks of random data come out some 14 % above it. */
export interface ChunkingParameters {
  readonly algorithm: 'fastcdc-gear32-v1'
  readonly profile: ChunkingProfile
  readonly bytesMin: number
  readonly bytesAverage: number
  readonly bytesMax: number
}

const KIB = 1024

export const CHUNKING: Readonly<Record<ChunkingProfile, ChunkingParameters>> = Object.freeze({
  edge: profile('edge', 16 * KIB, 64 * KIB, 256 * KIB),
  balanced: profile('balanced', 64 * KIB, 256 * KIB, 1024 * KIB),
  bulk: profile('bulk', 256 * KIB, 1024 * KIB, 4096 * KIB),
})

/** Bytes that a 32-bit gear hash remembers: each further byte shifts the oldest one out. */
const WINDOW_BYTES = 32
/** Below the average a cut is made four times as rare, above it four times as frequent (FastCDC's normalized chunking, level 2). */
const NORMALIZATION_BITS = 2

// Signed words keep the hash in the engine's small integers.
const GEAR = new Int32Array(gearTable())

/** Takes the hashes of a chunk that are sampled, in order. They depend on the bytes of the chunk alone. */
export interface HashSampler {
  add(hash: number): void
}

/** Part of every mask by which a profile cuts, so that a hash is looked at once, sampled or not. */
const SAMPLE_MASK = topBits(SAMPLE_BITS)

/**
 * The end of the chunk that starts at `start`: FastCDC over a 32-bit gear hash. Only `buffer[start, end)` is read.
 *
 * The caller guarantees that `end - start` is at least `bytesMax`, or that the file ends at `end`: then the cuts do not depend on how
 * the file was fed. `sampler` hears of what is sampled on the way, which costs the part of the chunk that no cut is looked for in.
 *
 * @see ../spec/chunking.md
 */
export function cutChunk(buffer: Uint8Array, start: number, end: number, parameters: ChunkingParameters, sampler?: HashSampler): number {
  const { bytesMin, bytesAverage, bytesMax } = parameters
  const find = (from: number, to: number, mask: number): number | undefined =>
    sampler === undefined ? scan(buffer, from, to, mask) : scanSampling(buffer, from, to, mask, sampler)
  // From the first hash of bytes of this chunk alone; no cut is meant.
  if (sampler !== undefined && end - start > WINDOW_BYTES) find(start + WINDOW_BYTES, Math.min(start + bytesMin, end), -1)
  if (end - start <= bytesMin) return end
  const bits = 31 - Math.clz32(bytesAverage)
  const middle = Math.min(start + bytesAverage, end)
  const stop = Math.min(start + bytesMax, end)
  return (
    find(start + bytesMin, middle, topBits(bits + NORMALIZATION_BITS)) ?? find(middle, stop, topBits(bits - NORMALIZATION_BITS)) ?? stop
  )
}

/** The ends of all chunks of a file that is in memory whole. An empty file has none. */
export function cutPoints(buffer: Uint8Array, parameters: ChunkingParameters): number[] {
  const ends: number[] = []
  for (let start = 0; start < buffer.byteLength;) {
    start = cutChunk(buffer, start, buffer.byteLength, parameters)
    ends.push(start)
  }
  return ends
}

/**
 * The first offset in [from, to) before which the hash of the last {@link WINDOW_BYTES} bytes has no bit of `mask`.
 *
 * Two bytes a turn: twice as fast as one, and more gain nothing.
 */
function scan(buffer: Uint8Array, from: number, to: number, mask: number): number | undefined {
  let hash = 0
  for (let at = from - WINDOW_BYTES; at < from - 1; at++) hash = ((hash << 1) + GEAR[buffer[at]!]!) | 0

  let at = from - 1
  for (const pairs = to - 2; at < pairs; at += 2) {
    hash = ((hash << 1) + GEAR[buffer[at]!]!) | 0
    if ((hash & mask) === 0) return at + 1
    hash = ((hash << 1) + GEAR[buffer[at + 1]!]!) | 0
    if ((hash & mask) === 0) return at + 2
  }
  if (at < to - 1) {
    hash = ((hash << 1) + GEAR[buffer[at]!]!) | 0
    if ((hash & mask) === 0) return at + 1
  }
  return undefined
}

/**
 * {@link scan} that tells `sampler` of the hashes that it passes. It stops at each of them and begins again, which costs 63 bytes of
 * every 512; a loop that looks for both takes twice as long.
 */
function scanSampling(buffer: Uint8Array, from: number, to: number, mask: number, sampler: HashSampler): number | undefined {
  for (let next = from; ;) {
    const found = scan(buffer, next, to, mask & SAMPLE_MASK)
    if (found === undefined) return undefined
    let hash = 0
    for (let at = found - WINDOW_BYTES; at < found; at++) hash = ((hash << 1) + GEAR[buffer[at]!]!) | 0
    sampler.add(hash)
    if ((hash & mask) === 0) return found
    next = found + 1
  }
}

/** The top bits of the hash are the ones that all 32 bytes of the window reach. */
function topBits(bits: number): number {
  return -1 << (32 - bits)
}

function profile(name: ChunkingProfile, bytesMin: number, bytesAverage: number, bytesMax: number): ChunkingParameters {
  return Object.freeze({ algorithm: 'fastcdc-gear32-v1', profile: name, bytesMin, bytesAverage, bytesMax })
}
