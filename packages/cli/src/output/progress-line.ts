import { formatBytes, formatDuration, formatPercent, formatRate, printable } from './format.ts'

/** How far something is. */
export interface ProgressState {
  /** What is being done, in a word or two: `bootstrap`, `manifest`, `publishing`. */
  readonly stage: string
  /** Bytes present, those of an earlier run included. */
  readonly bytes: number
  /** `undefined` while it is not known. */
  readonly bytesTotal: number | undefined
  /** `undefined` where there are no peers to it. */
  readonly peersCount?: number | undefined
  /** Why nothing moves, while nothing does. */
  readonly stall?: string | undefined
}

/** What a meter says of it. */
export interface Pace {
  readonly perSecond: number | undefined
  readonly etaMs: number | undefined
  /** Since the last byte. */
  readonly idleMs: number
}

/** Silence that is worth mentioning: several times what a slow peer takes for one block. */
const IDLE_MS_MIN = 5000

/**
 * One line: stage, share, bytes, then rate, time left and peers, or the reason of a stall.
 * What does not fit into `width` characters is cut at the end.
 */
export function renderProgress(state: ProgressState, pace: Pace, width: number): string {
  const { bytes, bytesTotal, peersCount } = state
  const parts = [
    printable(state.stage),
    bytesTotal === undefined ? '' : formatPercent(bytes, bytesTotal),
    bytesTotal === undefined ? formatBytes(bytes) : `${formatBytes(bytes)} of ${formatBytes(bytesTotal)}`,
    ...movement(state, pace),
    peersCount === undefined ? '' : `${peersCount} ${peersCount === 1 ? 'peer' : 'peers'}`,
  ]
  const line = parts.filter((part) => part !== '').join('  ')
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`
}

function movement({ bytes, bytesTotal, stall }: ProgressState, { perSecond, etaMs, idleMs }: Pace): readonly string[] {
  if (bytesTotal !== undefined && bytes >= bytesTotal) return []
  if (stall !== undefined) return [`waiting for ${formatDuration(idleMs)}: ${printable(stall)}`]
  if (idleMs >= IDLE_MS_MIN) return [`nothing arrived for ${formatDuration(idleMs)}`]
  return [perSecond === undefined ? '' : formatRate(perSecond), etaMs === undefined ? '' : `${formatDuration(etaMs)} left`]
}
