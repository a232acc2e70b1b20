import type { PeerStatus } from '@cairn/observability'
import type { PeerId } from '@cairn/network'
import type { Reporter } from '@cairn/runtime'
import type { SwarmEvent } from './events.ts'
import { describeDrop } from './source-event.ts'

/** Peers remembered after they have left; the ones that left first make room. */
const PEERS_MAX = 1024

type Tally = { -readonly [Key in keyof PeerStatus]: PeerStatus[Key] }

/** Follows events into what each peer gave, took and did wrong: the `peers` of a role's status. */
export class PeerTally implements Reporter<SwarmEvent> {
  readonly #tallies = new Map<PeerId, Tally>()

  /** One entry per peer, in the order in which they were first met. */
  get peers(): readonly PeerStatus[] {
    return [...this.#tallies.values()].map((tally) => ({ ...tally }))
  }

  report(event: SwarmEvent): void {
    switch (event.type) {
      case 'peer-connected':
        this.#of(event.peer).state = 'connected'
        return
      case 'peer-disconnected': {
        const tally = this.#of(event.peer)
        delete tally.dropped
        if (tally.state !== 'banned') tally.state = 'disconnected'
        return
      }
      case 'chunk-received':
        this.#of(event.peer).bytesFetched += event.frameBytes
        return
      case 'block-served':
        this.#of(event.peer).bytesServed += event.frameBytes
        return
      case 'peer-penalized': {
        const tally = this.#of(event.peer)
        tally.faultsCount += 1
        tally.fault = event.detail === '' ? event.fault : `${event.fault}: ${event.detail}`
        return
      }
      case 'source-dropped':
        this.#of(event.peer).dropped = describeDrop(event)
        return
      case 'source-restored':
        delete this.#of(event.peer).dropped
        return
      case 'peer-banned':
        this.#of(event.peer).state = 'banned'
        return
      default:
    }
  }

  #of(peer: PeerId): Tally {
    let tally = this.#tallies.get(peer)
    if (tally === undefined) {
      tally = { peer, state: 'disconnected', bytesFetched: 0, bytesServed: 0, faultsCount: 0 }
      this.#tallies.set(peer, tally)
      if (this.#tallies.size > PEERS_MAX) this.#forgetOne()
    }
    return tally
  }

  /** A connected or a banned peer is worth more than one that came and went. */
  #forgetOne(): void {
    const gone = [...this.#tallies].find(([, tally]) => tally.state === 'disconnected') ?? [...this.#tallies][0]
    if (gone !== undefined) this.#tallies.delete(gone[0])
  }
}
