import type { PeerId, Transport } from '@cairn/network'
import { type CID, decodeDeltaSizes, ProtocolError, type SnapshotIndex } from '@cairn/protocol'
import { type Clock, sleep } from '@cairn/runtime'
import type { DeltaOffer } from './delta-source.ts'
import { DELTAS_POLL_MS } from './limits.ts'
import type { PeerLink } from './peer-link.ts'
import type { Penalize } from './penalties.ts'

export interface DeltaQueryComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly link: (peer: PeerId) => PeerLink
  readonly penalize: Penalize
}

/**
 * What connected peers offer to whoever has all of `from` and wants `index`: the first that is ready. While some are preparing and none is
 * ready, asks again until `waitMs` have passed. A plan and no promise: nothing of it is verified, and what is fetched is.
 */
export async function queryDeltas(
  index: SnapshotIndex,
  from: CID,
  options: { readonly waitMs: number; readonly signal: AbortSignal },
  components: DeltaQueryComponents,
): Promise<DeltaOffer> {
  const { transport, clock } = components
  const untilMs = clock.monotonicMs() + options.waitMs
  for (;;) {
    options.signal.throwIfAborted()
    const offers = await Promise.all(transport.peers().map((peer) => ask(peer, index, from, components)))
    const ready = offers.find((offer) => offer.state === 'ready')
    if (ready !== undefined) return ready
    const preparing = offers.find((offer) => offer.state === 'preparing')
    if (preparing === undefined) return { state: 'none' }
    if (clock.monotonicMs() + DELTAS_POLL_MS > untilMs) return preparing
    await sleep(clock, DELTAS_POLL_MS, options.signal)
  }
}

async function ask(peer: PeerId, index: SnapshotIndex, from: CID, { link, penalize }: DeltaQueryComponents): Promise<DeltaOffer> {
  try {
    const control = await link(peer).control()
    const reply = await control.deltas(index.cid, from)
    if (reply.state === 'none' || reply.sizes === undefined) return { state: reply.state }
    return { state: reply.state, sizes: decodeDeltaSizes(reply.sizes, index.chunksCount) }
  } catch (error) {
    if (error instanceof ProtocolError) penalize(peer, 'malformed-message', { detail: error.message, mayBan: true })
    // Anything else is a peer that left or does not answer: it offers nothing.
    return { state: 'none' }
  }
}
