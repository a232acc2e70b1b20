import type { Download } from './download.ts'
import { decodeStep, encodeStep, startDownload, sumOf, TRACE_VERSION, type TraceHeader } from './trace.ts'

/** Why a replay ends before the trace does, at which line, counted from 1. */
export type TraceFault =
  /** Its checksum does not match: it was changed, or a line before it removed, after it was recorded. */
  | { readonly code: 'ALTERED'; readonly line: number }
  /** The scheduler decides otherwise than it did: it is another version, or not the pure machine that it is meant to be. */
  | { readonly code: 'DIVERGED'; readonly line: number; readonly recorded: string; readonly decided: string }
  | { readonly code: 'MALFORMED'; readonly line: number; readonly reason: string }
  | { readonly code: 'UNSUPPORTED_VERSION'; readonly line: number; readonly found: string; readonly supported: number }

/** How a replay went: what it compared before it ended. */
export interface ReplayReport {
  readonly downloadsCount: number
  readonly stepsCount: number
  readonly requestsCount: number
  readonly fault: TraceFault | undefined
}

const SUMMED = /^(.*),"sum":"([0-9a-f]{8})"\}$/

/**
 * Runs recorded downloads through the scheduler again, line by line, and compares every decision with the recorded one, byte by byte.
 * A trace is a file of one's own: beyond its checksums, its form is not checked more than the replay needs.
 */
export class TraceReplay {
  #line = 0
  #sum = ''
  #download: { readonly machine: Download; readonly chunksCount: number } | undefined
  #report = { downloadsCount: 0, stepsCount: 0, requestsCount: 0 }
  #fault: TraceFault | undefined

  get report(): ReplayReport {
    return { ...this.#report, fault: this.#fault }
  }

  /** Takes the next line, without its line end, and says whether the replay goes on. */
  add(text: string): boolean {
    this.#line += 1
    if (text === '') return true
    try {
      this.#fault = this.#replay(text)
    } catch (error) {
      // Not JSON, or not what an input looks like: the machine asserts what it needs.
      this.#fault = { code: 'MALFORMED', line: this.#line, reason: error instanceof Error ? error.message : String(error) }
    }
    return this.#fault === undefined
  }

  #replay(text: string): TraceFault | undefined {
    const line = this.#line
    if (text.startsWith('{"v":')) {
      const { v } = JSON.parse(text) as Partial<TraceHeader>
      if (v !== TRACE_VERSION) return { code: 'UNSUPPORTED_VERSION', line, found: String(v), supported: TRACE_VERSION }
      this.#sum = ''
      this.#download = undefined
    }
    const [, body, sum] = SUMMED.exec(text) ?? []
    if (body === undefined) return { code: 'MALFORMED', line, reason: 'it is cut off, or no line of a trace' }
    const json = `${body}}`
    this.#sum = sumOf(this.#sum, json)
    if (this.#sum !== sum) return { code: 'ALTERED', line }
    if (text.startsWith('{"v":')) {
      this.#download = startDownload(JSON.parse(json) as TraceHeader)
      this.#report.downloadsCount += 1
      return undefined
    }
    if (this.#download === undefined) return { code: 'MALFORMED', line, reason: 'no download was begun before it' }
    const { machine, chunksCount } = this.#download
    const { input, effects } = decodeStep(json, chunksCount)
    const decided = machine.step(input)
    if (encodeStep(input, decided) !== json) {
      return { code: 'DIVERGED', line, recorded: JSON.stringify(effects), decided: JSON.stringify(decided) }
    }
    this.#report.stepsCount += 1
    this.#report.requestsCount += decided.filter(({ type }) => type === 'request').length
    return undefined
  }
}

/** Replays a whole trace at once. */
export function replayTrace(lines: Iterable<string>): ReplayReport {
  const replay = new TraceReplay()
  for (const line of lines) if (!replay.add(line)) break
  return replay.report
}
