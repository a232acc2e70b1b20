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
}

/** Outcome of asking every connected peer. */
export type RefreshOutcome =
  | { readonly type: 'refreshed'; readonly state: TrustState; readonly peer: PeerId }
  /**
   * Peers answered, and what each had was refused; the first refusal says why. `state` may still be newer than before:
   * a root that withdrew a stolen key must not be forgotten because the thief kept the rest from us.
   */
  | { readonly type: 'refused'; readonly error: TrustError; readonly peer: PeerId; readonly state: TrustState }
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
  const { transport, clock, reporter, link, penalize } = components
  let refused: RefreshOutcome | undefined
  const peers = transport.peers()
  for (const peer of first === undefined ? peers : [first, ...peers.filter((other) => other !== first)]) {
    const update = new TrustUpdate(state, clock.now(), ledgers)
    let filesCount = 0
    try {
      const control = await link(peer).control()
      let next = update.next()
      while (!('done' in next)) {
        update.supply(next.file, await control.metadata(next.file))
        filesCount += 1
        next = update.next()
      }
      reporter.report({ type: 'metadata-refreshed', peer, filesCount })
      return { type: 'refreshed', state: next.done, peer }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!(error instanceof TrustError)) continue // the peer left or does not answer: ask the next one
      reporter.report({ type: 'metadata-refused', peer, reason })
      if (isLie(error)) penalize(peer, 'bad-metadata', { detail: reason, mayBan: peers.length > 1 })
      refused ??= { type: 'refused', error, peer, state: update.accepted }
    }
  }
  return refused ?? { type: 'no-answer' }
}

/** Old or missing metadata can be an honest peer's that was cut off for a while; a bad signature cannot. */
function isLie(error: TrustError): boolean {
  return error.fault.code === 'FORGED' || error.fault.code === 'MALFORMED' || error.fault.code === 'MIXED'
}
