import type { Bitmap, CID, SnapshotIndex } from '@cairn/protocol'
import type { Participant } from '@cairn/swarm'
import { DELTAS_WAIT_BYTES_PER_MS, DELTAS_WAIT_MS_MAX } from './limits.ts'

/** What is to be fetched, by how it comes. Plain bytes, but for `deltaBytes`: those go over the wire. */
export interface FetchPlan {
  readonly chunksToFetch: number
  readonly bytesToFetch: number
  readonly chunksAsDelta: number
  readonly bytesAsDelta: number
  readonly deltaBytes: number
  /** How long deltas that are being made are worth waiting for; 0 if none are. */
  readonly deltasWaitMs: number
}

/**
 * Asks the sources how much of the chunks in `missing` they can give as deltas to whoever has all of the first of `basis`. A plan and no
 * promise: a source may leave, and what it sends is verified all the same.
 *
 * Does not wait for those that are being made: whoever fetches waits for them, within {@link FetchPlan.deltasWaitMs}.
 */
export async function planFetch(
  index: SnapshotIndex,
  missing: Bitmap,
  [from]: readonly CID[],
  participant: Pick<Participant, 'deltas'>,
  signal: AbortSignal,
): Promise<FetchPlan> {
  const plan = { chunksToFetch: missing.count, bytesToFetch: 0, chunksAsDelta: 0, bytesAsDelta: 0, deltaBytes: 0, deltasWaitMs: 0 }
  for (const chunk of missing.indices()) plan.bytesToFetch += index.chunkBytes(chunk)
  if (from === undefined || missing.count === 0) return plan
  const offer = await participant.deltas(index, from, { waitMs: 0, signal })
  if (offer.state === 'none') return plan
  if (offer.state === 'preparing') plan.deltasWaitMs = deltasWaitMs(plan.bytesToFetch)
  for (const [chunk, bytes] of offer.sizes ?? []) {
    if (!missing.get(chunk)) continue
    plan.chunksAsDelta += 1
    plan.bytesAsDelta += index.chunkBytes(chunk)
    plan.deltaBytes += bytes
  }
  return plan
}

/** How long deltas of chunks of `bytes` plain bytes are waited for. */
export function deltasWaitMs(bytes: number): number {
  return Math.min(DELTAS_WAIT_MS_MAX, Math.ceil(bytes / DELTAS_WAIT_BYTES_PER_MS))
}
