import { Bitmap } from '@cairn/protocol'
import { seededRandom } from '@cairn/runtime'
import { Download } from './download.ts'
import type { ChunkCatalogue, DownloadEffect, DownloadInit, DownloadInput } from './download-types.ts'

/** Version of the trace format: one JSON value a line, first a {@link TraceHeader}, then {@link TraceStep}s. */
const TRACE_VERSION = 1

/** What a recorded download started from. */
export interface TraceHeader {
  readonly v: number
  readonly seed: string
  readonly self: string
  readonly now: number
  readonly bytesPerSecondMax?: number | undefined
  /** An encoded `Bitmap` in base64. */
  readonly have: string
}

/** The first line of a trace of `init`, whose random stream was made from `seed`. */
export function traceHeader({ self, have, now, bytesPerSecondMax }: Omit<DownloadInit, 'random' | 'catalogue'>, seed: string): string {
  return JSON.stringify({ v: TRACE_VERSION, seed, self, now, bytesPerSecondMax, have: toBase64(have) } satisfies TraceHeader)
}

/** One input, and what the scheduler decided. */
interface TraceStep {
  readonly input: DownloadInput
  readonly effects: readonly DownloadEffect[]
}

/** The line of a trace for one step. */
export function traceLine(input: DownloadInput, effects: readonly DownloadEffect[]): string {
  if (input.type !== 'source-joined' || input.have === 'complete') return JSON.stringify({ input, effects })
  return JSON.stringify({ input: { ...input, have: { bitmap: toBase64(input.have) } }, effects })
}

/** How a replay went: how many steps and requests it compared, and the first step (from 0) at which it decided otherwise. */
export interface ReplayReport {
  readonly stepsCount: number
  readonly requestsCount: number
  readonly divergedAt: number | undefined
}

/**
 * Runs a recorded trace through the scheduler again and compares every decision with the recorded one, in order.
 * A trace is a file of one's own: its form is not checked beyond what the replay needs.
 */
export function replayTrace(lines: readonly string[], catalogue: ChunkCatalogue): ReplayReport {
  const [first, ...steps] = lines.filter((line) => line !== '')
  const { v, seed, self, now, bytesPerSecondMax, have } = JSON.parse(first ?? '{}') as TraceHeader
  if (v !== TRACE_VERSION) throw new Error(`not a trace of version ${String(TRACE_VERSION)}`)
  const rate = bytesPerSecondMax === undefined ? {} : { bytesPerSecondMax }
  const machine = new Download({ self, now, ...rate, catalogue, have: fromBase64(have, catalogue.chunksCount), random: seededRandom(seed) })
  let requestsCount = 0
  for (const [i, line] of steps.entries()) {
    const { input, effects } = JSON.parse(line) as TraceStep
    const again = machine.step(revive(input, catalogue.chunksCount))
    if (JSON.stringify(again) !== JSON.stringify(effects)) return { stepsCount: i, requestsCount, divergedAt: i }
    requestsCount += effects.filter(({ type }) => type === 'request').length
  }
  return { stepsCount: steps.length, requestsCount, divergedAt: undefined }
}

function revive(input: DownloadInput, chunksCount: number): DownloadInput {
  if (input.type !== 'source-joined' || input.have === 'complete') return input
  const { bitmap } = input.have as unknown as { readonly bitmap: string }
  return { ...input, have: fromBase64(bitmap, chunksCount) }
}

function toBase64(bitmap: Bitmap): string {
  return Buffer.from(bitmap.encode()).toString('base64')
}

function fromBase64(text: string, size: number): Bitmap {
  return Bitmap.decode(Buffer.from(text, 'base64'), size)
}
