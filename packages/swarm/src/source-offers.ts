import { type CID, decodeDeltaSizes, type SnapshotIndex } from '@cairn/protocol'
import { type Clock, sleep } from '@cairn/runtime'
import type { ControlClient } from './control/client.ts'
import { DELTAS_POLL_MS } from './limits.ts'

/** What a peer has deltas for, and whether it is worth waiting for more. */
export interface SourceOffers {
  /** Frame bytes by chunk. */
  readonly sizes: ReadonlyMap<number, number>
  readonly isPreparing: boolean
}

/**
 * What a peer can send as deltas to a holder of `from`, again and again while it is making more, which is waited for until `waitUntilMs` on the
 * monotonic clock. Where it has none, or too many to list, there is nothing to be heard.
 *
 * @throws {ProtocolError} when the answer is none; the signal's reason; whatever ends the channel
 */
export async function* askOffers(
  control: Pick<ControlClient, 'deltas'>,
  index: SnapshotIndex,
  from: CID,
  { clock, waitUntilMs, signal }: { readonly clock: Clock; readonly waitUntilMs: number; readonly signal: AbortSignal },
): AsyncGenerator<SourceOffers> {
  for (let wasPreparing = false; ;) {
    const reply = await control.deltas(index.cid, from)
    const isListed = reply.state !== 'none' && reply.sizes !== undefined
    const sizes = isListed ? decodeDeltaSizes(reply.sizes, index.chunksCount) : new Map<number, number>()
    const isPreparing = reply.state === 'preparing' && clock.monotonicMs() < waitUntilMs
    if (sizes.size > 0 || isPreparing || wasPreparing) yield { sizes, isPreparing }
    if (reply.state !== 'preparing') return
    wasPreparing = isPreparing
    await sleep(clock, DELTAS_POLL_MS, signal)
  }
}

/** Tells `hear` of `offers`, of which the `first` was asked for before; in the end that no more are to come, whatever ends them. */
export async function hearOffers(
  offers: AsyncGenerator<SourceOffers>,
  first: Promise<IteratorResult<SourceOffers>>,
  hear: (offer: SourceOffers) => void,
): Promise<void> {
  let isPreparing = false
  try {
    for (let next = await first; next.done !== true; next = await offers.next()) {
      hear(next.value)
      isPreparing = next.value.isPreparing
    }
  } finally {
    if (isPreparing) hear({ sizes: new Map(), isPreparing: false })
  }
}
