import type { Address, PeerId, Transport } from '@cairn/network'
import { type CID, PEER_ADDRESSES_MAX, sha256 } from '@cairn/protocol'
import type { Clock, Timer } from '@cairn/runtime'
import {
  DISCOVERED_PEERS_MIN,
  DISCOVERY_ASKED_MAX,
  DISCOVERY_INTERVAL_MS,
  DISCOVERY_INTERVAL_MS_MIN,
  DISCOVERY_PEERS_ENOUGH,
} from './limits.ts'
import type { Neighbours } from './neighbours.ts'

export interface DiscoveryComponents {
  readonly transport: Transport
  readonly clock: Clock
  /** Asks `peer` for addresses of peers of `snapshot`. Rejects if it does not answer. */
  readonly peersOf: (peer: PeerId, snapshot: CID) => Promise<readonly Address[]>
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
    let number = 0
    const round = (): void => {
      if (timer !== undefined) this.#timers.delete(timer)
      if (ended || this.#stopped) return
      this.#round(snapshot, number++)
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
    const others = this.#components.neighbours.of(snapshot).filter(({ peer }) => peer !== except)
    const addresses = inOrderOf(except, others, ({ peer }) => peer).flatMap((neighbour) => neighbour.addresses)
    return [...new Set(addresses)].slice(0, PEER_ADDRESSES_MAX)
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
  }

  #round(snapshot: CID, number: number): void {
    const { transport, neighbours, peersOf } = this.#components
    if (this.#hasEnough()) return
    const found = inOrderOf(transport.self, neighbours.of(snapshot), ({ peer }) => peer)
    for (const neighbour of found) for (const address of neighbour.addresses) this.#consider(address)
    const peers = transport.peers()
    const first = peers.length > DISCOVERY_ASKED_MAX ? number * DISCOVERY_ASKED_MAX : 0
    for (let i = 0; i < Math.min(peers.length, DISCOVERY_ASKED_MAX); i++) {
      void peersOf(peers[(first + i) % peers.length]!, snapshot)
        .then((addresses) => addresses.forEach((address) => this.#consider(address)))
        .catch(() => {}) // a peer that does not answer has no peers to tell of
    }
  }

  /** Those that we chose ourselves count for more: whoever wants to keep us from others need only connect to us often enough. */
  #hasEnough(): boolean {
    const { transport } = this.#components
    const peers = transport.peers()
    for (const known of this.#connected) if (!peers.includes(known)) this.#connected.delete(known)
    const chosenCount = this.#connected.size + this.#dialling.size
    return chosenCount >= DISCOVERED_PEERS_MIN && peers.length + this.#dialling.size >= DISCOVERY_PEERS_ENOUGH
  }

  #consider(address: Address): void {
    const { transport } = this.#components
    const peer = address.slice(address.lastIndexOf('/p2p/') + '/p2p/'.length)
    if (this.#stopped || !address.includes('/p2p/') || peer === transport.self || this.#failed.has(address)) return
    if (this.#dialling.has(peer) || transport.peers().includes(peer) || transport.isBanned(peer)) return
    if (this.#hasEnough()) return
    this.#dialling.add(peer)
    void transport
      .dial(address)
      .then(() => this.#connected.add(peer))
      .catch(() => this.#failed.add(address)) // hearsay that does not answer is not worth a second dial
      .finally(() => this.#dialling.delete(peer))
  }
}

/** `items` in an order that `peer` alone goes by: if all went through the same list, the first in it would be dialled by everyone. */
function inOrderOf<T>(peer: PeerId, items: readonly T[], peerOf: (item: T) => PeerId): readonly T[] {
  const ranked = items.map((item) => ({ item, rank: Buffer.from(sha256(Buffer.from(`${peer}/${peerOf(item)}`))).readUInt32BE() }))
  return ranked.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item)
}
