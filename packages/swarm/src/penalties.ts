import type { PeerId, Transport } from '@cairn/network'
import { type PeerFault, PeerScores } from '@cairn/policy'
import type { Clock, Reporter } from '@cairn/runtime'
import type { SwarmEvent } from './events.ts'

/** Holds a fault against a peer. `mayBan` is false for the last source: a bad one is better than none, since everything is verified. */
export type Penalize = (peer: PeerId, fault: PeerFault, options: { readonly detail: string; readonly mayBan: boolean }) => void

/** Applies `policy`'s penalties: scores the peer, bans it in the transport when the score says so, and reports both. */
export function createPenalize(components: {
  readonly transport: Transport
  readonly clock: Clock
  readonly reporter: Reporter<SwarmEvent>
}): Penalize {
  const { transport, clock, reporter } = components
  const scores = new PeerScores()
  return (peer, fault, { detail, mayBan }) => {
    const { score, verdict, banMs } = scores.penalize(peer, fault, clock.now(), { isLastSource: !mayBan })
    reporter.report({ type: 'peer-penalized', peer, fault, score, detail })
    if (verdict !== 'ban') return
    reporter.report({ type: 'peer-banned', peer, fault, banMs, detail })
    transport.ban(peer, banMs)
  }
}
