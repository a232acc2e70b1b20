import type { PeerId, Transport } from '@cairn/network'
import { type CID, decodeDeltaSizes, ProtocolError, type SnapshotIndex } from '@cairn/protocol'
import { type Clock, sleep } from '@cairn/runtime'
import type { DeltaOffer } from './delta-source.ts'
import { DELTAS_ANSWER_MS, DELTAS_POLL_MS } from './limits.ts'
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
 * ready, asks again until `waitMs` have passed. Who does not answer within {@link DELTAS_ANSWER_MS} offers nothing, and is not asked again.
 * A plan and no promise: nothing of it is verified, and what is fetched is.
 */
export async function queryDeltas(
  index: SnapshotIndex,
  from: CID,
  options: { readonly waitMs: number; readonly signal: AbortSignal },
  components: DeltaQueryComponents,
): Promise<DeltaOffer> {
  const { transport, clock } = components
  const untilMs = clock.monotonicMs() + options.waitMs
  const mute = new Set<PeerId>()
  const askInTime = async (peer: PeerId): Promise<DeltaOffer> => {
    const offer = await within(ask(peer, index, from, components), DELTAS_ANSWER_MS, clock)
    if (offer === undefined) mute.add(peer)
    return offer ?? { state: 'none' }
  }
  for (;;) {
    options.signal.throwIfAborted()
    const offer = await bestOf(
      transport
        .peers()
        .filter((peer) => !mute.has(peer))
        .map(askInTime),
    )
    if (offer.state !== 'preparing' || clock.monotonicMs() + DELTAS_POLL_MS > untilMs) return offer
    await sleep(clock, DELTAS_POLL_MS, options.signal)
  }
}

/** The first that is ready, without waiting for those who say nothing; if none is, the best of all. */
async function bestOf(asked: readonly Promise<DeltaOffer>[]): Promise<DeltaOffer> {
  const ready = Promise.withResolvers<DeltaOffer>()
  const heard = asked.map(async (answer) => {
    const offer = await answer
    if (offer.state === 'ready') ready.resolve(offer)
    return offer
  })
  const all = Promise.all(heard).then((offers): DeltaOffer => {
    return offers.find(({ state }) => state === 'ready') ?? offers.find(({ state }) => state === 'preparing') ?? { state: 'none' }
  })
  return Promise.race([ready.promise, all])
}

/** What `answer` says, `undefined` if it takes longer. */
async function within<Answer>(answer: Promise<Answer>, delayMs: number, clock: Clock): Promise<Answer | undefined> {
  const late = Promise.withResolvers<undefined>()
  const timer = clock.setTimer(delayMs, () => late.resolve(undefined))
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    timer.cancel()
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
