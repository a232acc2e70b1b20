import type { Address, PeerId, Transport } from '@cairn/network'
import { type CID, PEER_ADDRESSES_MAX } from '@cairn/protocol'
import type { Clock, Timer } from '@cairn/runtime'
import { DISCOVERED_PEERS_MAX, DISCOVERY_INTERVAL_MS, DISCOVERY_INTERVAL_MS_MIN } from './limits.ts'
import type { Neighbours } from './neighbours.ts'
import type { PeerLink } from './peer-link.ts'

export interface DiscoveryComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly link: (peer: PeerId) => PeerLink
  readonly neighbours: Neighbours
}

/**
 * Finds further peers for a download: those that gossip told of, and those that connected peers know.
 * What it hears is only ever dialled; who answers is authenticated by the transport and verified chunk by chunk.
 */
export class Discovery {
  readonly #components: DiscoveryComponents
  readonly #dialling = new Set<PeerId>()
  readonly #failed = new Set<Address>()
  readonly #connected = new Set<PeerId>()
  readonly #timers = new Set<Timer>()
  #stopped = false

  constructor(components: DiscoveryComponents) {
    this.#components = components
  }

  /** Looks for peers of `snapshot` until the function it returns is called. */
  seek(snapshot: CID): () => void {
    let ended = false
    let timer: Timer | undefined
    let delayMs = DISCOVERY_INTERVAL_MS_MIN
    const round = (): void => {
      if (timer !== undefined) this.#timers.delete(timer)
      if (ended || this.#stopped) return
      this.#round(snapshot)
      timer = this.#components.clock.setTimer(delayMs, round)
      delayMs = Math.min(2 * delayMs, DISCOVERY_INTERVAL_MS)
      this.#timers.add(timer)
    }
    round()
    return () => {
      ended = true
      timer?.cancel()
    }
  }

  /** Addresses to tell a peer that asks who else has `snapshot`. */
  addressesFor(snapshot: CID, except: PeerId): readonly Address[] {
    const addresses = this.#components.neighbours
      .of(snapshot)
      .flatMap((neighbour) => (neighbour.peer === except ? [] : neighbour.addresses))
    return [...new Set(addresses)].slice(0, PEER_ADDRESSES_MAX)
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
  }

  #round(snapshot: CID): void {
    const { transport, neighbours, link } = this.#components
    for (const neighbour of neighbours.of(snapshot)) for (const address of neighbour.addresses) this.#consider(address)
    for (const peer of transport.peers()) {
      void link(peer)
        .control()
        .then((control) => control.peers(snapshot))
        .then((addresses) => addresses.forEach((address) => this.#consider(address)))
        .catch(() => {}) // a peer that does not answer has no peers to tell of
    }
  }

  #consider(address: Address): void {
    const { transport } = this.#components
    const peer = address.slice(address.lastIndexOf('/p2p/') + '/p2p/'.length)
    for (const known of this.#connected) if (!transport.peers().includes(known)) this.#connected.delete(known)
    if (this.#stopped || !address.includes('/p2p/') || peer === transport.self || this.#failed.has(address)) return
    if (this.#dialling.has(peer) || transport.peers().includes(peer) || transport.isBanned(peer)) return
    if (this.#connected.size + this.#dialling.size >= DISCOVERED_PEERS_MAX) return
    this.#dialling.add(peer)
    void transport
      .dial(address)
      .then(() => this.#connected.add(peer))
      .catch(() => this.#failed.add(address)) // hearsay that does not answer is not worth a second dial
      .finally(() => this.#dialling.delete(peer))
  }
}
