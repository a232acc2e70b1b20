import type { ChildEvent } from './child.ts'

/** What one or more runs of a joining node fetched, by their own events. */
export interface JoinTally {
  /** Plain bytes of every chunk that came over the network; what was lost with a killed process and came again counts twice. */
  readonly plainBytes: number
  /** Frame bytes by source. */
  readonly bySource: ReadonlyMap<string, number>
}

export function tally(runs: readonly (readonly ChildEvent[])[]): JoinTally {
  let plainBytes = 0
  const bySource = new Map<string, number>()
  for (const event of runs.flat()) {
    if (event.type !== 'chunk-arrived') continue
    plainBytes += Number(event['plainBytes'])
    const peer = String(event['peer'])
    bySource.set(peer, (bySource.get(peer) ?? 0) + Number(event['frameBytes']))
  }
  return { plainBytes, bySource }
}
