import type { DownloadEffect, DropReason } from '@cairn/scheduler'
import type { SwarmEvent } from './events.ts'

type SourceEffect = Extract<DownloadEffect, { type: 'source-dropped' | 'source-restored' }>

/** What is reported of a source that the scheduler dropped or takes back. */
export function sourceEvent(effect: SourceEffect, snapshot: string): SwarmEvent {
  if (effect.type === 'source-restored') return { type: 'source-restored', snapshot, peer: effect.source }
  const { type, source: peer, retryInMs = null, ...figures } = effect
  return { type, snapshot, peer, ...figures, retryInMs }
}

/** One clause for people: why a source is not asked any more. */
export function describeDrop(event: {
  readonly reason: DropReason
  readonly bytesPerSecond: number
  readonly othersBytesPerSecond: number
  readonly silentMs: number
}): string {
  const rates = `${kibibytes(event.bytesPerSecond)} where the others give ${kibibytes(event.othersBytesPerSecond)}`
  switch (event.reason) {
    case 'too-slow':
      return `too slow: it gives ${rates}`
    case 'stalled':
      return `stalled: it sent nothing for ${(event.silentMs / 1000).toFixed(1)} s, after ${rates}`
    case 'timeout':
      return `a request was not answered in time: it gives ${rates}`
    case 'bad-chunk':
      return 'it sent a chunk that does not verify'
    default:
      return event.reason satisfies never
  }
}

function kibibytes(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1024).toFixed(0)} KiB/s`
}
