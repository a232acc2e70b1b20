import type { PeerId, Transport } from '@cairn/network'
import type { Clock, Reporter } from '@cairn/runtime'
import { TrustError, type TrustState, TrustUpdate } from '@cairn/trust'
import type { SwarmEvent } from './events.ts'
import type { PeerLink } from './peer-link.ts'
import type { Penalize } from './penalties.ts'

export interface MetadataRefreshComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly reporter: Reporter<SwarmEvent>
  readonly link: (peer: PeerId) => PeerLink
  readonly penalize: Penalize
  /** Why each peer was refused last. The same again is neither reported nor held against it twice. */
  readonly refusals: Map<PeerId, string>
}

/** Outcome of asking every connected peer. */
export type RefreshOutcome =
  | { readonly type: 'refreshed'; readonly state: TrustState; readonly peer: PeerId }
  /**
   * Peers answered, and what each had was refused; the first refusal says why. `state` may still be newer than before:
   * a root that withdrew a stolen key must not be forgotten because the thief kept the rest from us.
   */
  | {
      readonly type: 'refused'
      readonly error: TrustError
      readonly peer: PeerId
      readonly state: TrustState
    }
  /** Nobody connected answered. */
  | { readonly type: 'no-answer' }

/**
 * Asks connected peers, one after the other, for trust metadata newer than `state`, until one has what verifies.
 * What a peer sends is never more than a suggestion: `trust` decides, and a peer that sends forged metadata is penalised.
 */
export async function refreshMetadata(
  state: TrustState,
  ledgers: readonly string[] | 'all',
  components: MetadataRefreshComponents,
  first?: PeerId,
): Promise<RefreshOutcome> {
  const { transport, reporter, penalize, refusals } = components
  let accepted = state
  let refusal: { readonly error: TrustError; readonly peer: PeerId } | undefined
  const peers = transport.peers()
  for (const peer of first === undefined ? peers : [first, ...peers.filter((other) => other !== first)]) {
    for (let isRepeated = false; ; isRepeated = true) {
      const update = new TrustUpdate(accepted, components.clock.now(), ledgers)
      const ended = await runUpdate(update, peer, isRepeated, components)
      accepted = update.accepted
      if (ended === 'done') {
        refusals.delete(peer)
        return { type: 'refreshed', state: accepted, peer }
      }
      if (ended === 'no-answer') break
      if (mayBeCaughtBetween(ended) && !isRepeated) continue
      if (refusals.get(peer) !== ended.message) {
        refusals.set(peer, ended.message)
        reporter.report({ type: 'metadata-refused', peer, reason: ended.message })
        if (isLie(ended)) penalize(peer, 'bad-metadata', { detail: ended.message, mayBan: peers.length > 1 })
      }
      refusal ??= { error: ended, peer }
      break
    }
  }
  return refusal === undefined ? { type: 'no-answer' } : { type: 'refused', ...refusal, state: accepted }
}

/** Feeds `update` from `peer` until it is done, the peer is refused, or it leaves; one file after the other if `isCareful`. */
async function runUpdate(
  update: TrustUpdate,
  peer: PeerId,
  isCareful: boolean,
  { link, reporter }: MetadataRefreshComponents,
): Promise<'done' | 'no-answer' | TrustError> {
  let filesCount = 0
  try {
    const control = await link(peer).control()
    const asked = new Map<string, Promise<Uint8Array | undefined>>()
    for (let next = update.next(); !('done' in next); next = update.next()) {
      for (const file of isCareful ? [next.file] : [next.file, ...update.foreseen()]) {
        if (asked.has(file)) continue
        const answer = control.metadata(file)
        answer.catch(() => {}) // heard of where it is awaited, if it comes to that
        asked.set(file, answer)
      }
      const bytes = await asked.get(next.file)
      asked.delete(next.file)
      update.supply(next.file, bytes)
      filesCount += 1
    }
  } catch (error) {
    // A peer that has no metadata, such as a node that is itself joining, says nothing wrong.
    return error instanceof TrustError && error.fault.code !== 'MISSING' ? error : 'no-answer'
  }
  reporter.report({ type: 'metadata-refreshed', peer, filesCount })
  return 'done'
}

/** An honest peer's files change between two of our requests when something is published, and its keys when they are rotated. */
function mayBeCaughtBetween(error: TrustError): boolean {
  return error.fault.code === 'MIXED' || error.fault.code === 'FORGED'
}

/** Old or missing metadata can be an honest peer's that was cut off for a while; a bad signature, or the same mix twice, cannot. */
function isLie(error: TrustError): boolean {
  return error.fault.code === 'FORGED' || error.fault.code === 'MALFORMED' || error.fault.code === 'MIXED'
}
