import { Bitmap, sha256, type StageClass } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import { Download } from './download.ts'
import type { ChunkCatalogue, DownloadEffect, DownloadInit, DownloadInput } from './download-types.ts'

/**
 * Version of the trace format: one JSON object a line. A {@link TraceHeader} begins a download, {@link TraceStep}s follow; a file may hold
 * several downloads. The last member of every line is `sum`, which covers the line and all those before it since the header.
 */
export const TRACE_VERSION = 4

/** All that a recorded download started from: whoever has the trace needs nothing else to replay it. */
export interface TraceHeader {
  readonly v: number
  /** CID of the snapshot, for people. */
  readonly snapshot: string
  readonly seed: string
  readonly self: string
  readonly now: number
  readonly bytesPerSecondMax?: number
  /** An encoded `Bitmap` in base64. */
  readonly have: string
  /** Plain bytes of each chunk, 32 bits each, least significant byte first, in base64. */
  readonly chunkBytes: string
  /** Stages of the chunks in order: how many chunks in a row belong to which. */
  readonly chunkStages: readonly (readonly [stage: StageClass, count: number])[]
}

/** One input, and what the scheduler decided. */
interface TraceStep {
  readonly input: DownloadInput
  readonly effects: readonly DownloadEffect[]
}

/** Records one download: `write` hears each line, without its line end. */
export class TraceRecorder {
  readonly #write: (line: string) => void
  #sum = ''

  /** `init` without its random stream, which was made from `seed`. */
  constructor(init: Omit<DownloadInit, 'random'>, seed: string, snapshot: string, write: (line: string) => void) {
    this.#write = write
    const { self, have, now, bytesPerSecondMax, catalogue } = init
    const rate = bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax }
    const header = { v: TRACE_VERSION, snapshot, seed, self, now, ...rate, have: toBase64(have), ...encodeCatalogue(catalogue) }
    this.#add(JSON.stringify(header satisfies TraceHeader))
  }

  record(input: DownloadInput, effects: readonly DownloadEffect[]): void {
    this.#add(encodeStep(input, effects))
  }

  #add(json: string): void {
    this.#sum = sumOf(this.#sum, json)
    this.#write(`${json.slice(0, -1)},"sum":"${this.#sum}"}`)
  }
}

export function encodeStep(input: DownloadInput, effects: readonly DownloadEffect[]): string {
  if (input.type !== 'source-joined' || input.have === 'complete') return JSON.stringify({ input, effects })
  return JSON.stringify({ input: { ...input, have: { bitmap: toBase64(input.have) } }, effects })
}

/** @throws {Error} if `json` is no step */
export function decodeStep(json: string, chunksCount: number): TraceStep {
  const { input, effects } = JSON.parse(json) as TraceStep
  if (typeof input?.type !== 'string' || !Array.isArray(effects)) throw new Error('no step of a trace')
  if (input.type !== 'source-joined' || input.have === 'complete') return { input, effects }
  const { bitmap } = input.have as unknown as { readonly bitmap: string }
  return { input: { ...input, have: fromBase64(bitmap, chunksCount) }, effects }
}

/** The download that `header` describes, at its start, and how many chunks it has. */
export function startDownload(header: TraceHeader): { readonly machine: Download; readonly chunksCount: number } {
  const { seed, self, now, bytesPerSecondMax, have } = header
  const rate = bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax }
  const catalogue = decodeCatalogue(header)
  const { chunksCount } = catalogue
  const machine = new Download({ self, now, ...rate, catalogue, have: fromBase64(have, chunksCount), random: seededRandom(seed) })
  return { machine, chunksCount }
}

/** Eight hexadecimal digits over a line and, through `before`, all those before it. It finds damage and slips, not forgers. */
export function sumOf(before: string, json: string): string {
  return Buffer.from(sha256(Buffer.from(before + json)).subarray(0, 4)).toString('hex')
}

function encodeCatalogue(catalogue: ChunkCatalogue): Pick<TraceHeader, 'chunkBytes' | 'chunkStages'> {
  const sizes = Buffer.alloc(4 * catalogue.chunksCount)
  const stages: [StageClass, number][] = []
  for (let chunk = 0; chunk < catalogue.chunksCount; chunk++) {
    sizes.writeUInt32LE(catalogue.chunkBytes(chunk), 4 * chunk)
    const stage = catalogue.chunkStage(chunk)
    const last = stages.at(-1)
    if (last?.[0] === stage) last[1] += 1
    else stages.push([stage, 1])
  }
  return { chunkBytes: sizes.toString('base64'), chunkStages: stages }
}

function decodeCatalogue({ chunkBytes, chunkStages }: TraceHeader): ChunkCatalogue {
  const sizes = Buffer.from(chunkBytes, 'base64')
  const stages = chunkStages.flatMap(([stage, count]) => Array.from({ length: count }, () => stage))
  return {
    chunksCount: stages.length,
    chunkBytes: (chunk) => sizes.readUInt32LE(4 * chunk),
    chunkStage: (chunk) => stages[chunk]!,
  }
}

function toBase64(bitmap: Bitmap): string {
  return Buffer.from(bitmap.encode()).toString('base64')
}

function fromBase64(text: string, size: number): Bitmap {
  return Bitmap.decode(Buffer.from(text, 'base64'), size)
}
