import type { GossipValidator, PeerId, Transport, Verdict } from '@cairn/network'
import {
  ANNOUNCED_ADDRESS_BYTES_MAX,
  ANNOUNCED_ADDRESSES_MAX,
  AVAILABILITY_TTL_MS_MAX,
  availabilityFreshness,
  availabilityTopic,
  type CID,
  COARSE_BITS_MAX,
  decodeAvailability,
  decodeHeads,
  encodeAvailability,
  encodeHeads,
  headsTopic,
  ProtocolError,
} from '@cairn/protocol'
import type { Clock, Instant, Reporter, Timer } from '@cairn/runtime'
import type { SwarmEvent } from './events.ts'
import type { Holdings } from './holdings.ts'
import { ANNOUNCE_INTERVAL_MS, ANNOUNCE_INTERVAL_MS_MIN } from './limits.ts'
import type { Neighbours } from './neighbours.ts'

export interface AnnouncerInit {
  readonly network: string
  readonly ledgers: readonly string[]
  readonly region?: string
  readonly onHeads?: (ledger: string, timestamp: Uint8Array, from: PeerId) => void
}

export interface AnnouncerComponents {
  readonly transport: Transport
  readonly clock: Clock
  readonly reporter: Reporter<SwarmEvent>
  readonly neighbours: Neighbours
  readonly holdings: Holdings
}

interface Announced {
  readonly snapshot: CID
  readonly ledger: string
  lastMs: Instant
  timer: Timer | undefined
}

/** Speaks and listens on the gossip topics of its ledgers: new heads, and who holds what. */
export class Announcer {
  readonly #init: AnnouncerInit
  readonly #components: AnnouncerComponents
  readonly #announced = new Map<string, Announced>()
  readonly #ledgers = new Set<string>()
  #isStopped = false

  constructor(init: AnnouncerInit, components: AnnouncerComponents) {
    this.#init = init
    this.#components = components
  }

  start(): void {
    for (const ledger of this.#init.ledgers) this.follow(ledger)
  }

  /** Joins the topics of `ledger` too, for those who learn its name only from the metadata. */
  follow(ledger: string): void {
    if (this.#ledgers.has(ledger)) return
    this.#ledgers.add(ledger)
    const { network } = this.#init
    const { gossip } = this.#components.transport
    gossip.subscribe(
      availabilityTopic(network, ledger),
      this.#validator((message, from) => this.#onAvailability(message, from)),
    )
    gossip.subscribe(
      headsTopic(network, ledger),
      this.#validator((message, from) => this.#onHeads(message, ledger, from)),
    )
  }

  /** Announces `snapshot` now, and again while it is held; never more often than {@link ANNOUNCE_INTERVAL_MS_MIN}. */
  announce(snapshot: CID, ledger: string): void {
    // Whoever finishes a download while it is being stopped says so too late.
    if (this.#isStopped) return
    const key = snapshot.toString()
    const known = this.#announced.get(key)
    const announced = known ?? { snapshot, ledger, lastMs: Number.NEGATIVE_INFINITY, timer: undefined }
    this.#announced.set(key, announced)
    const waitMs = announced.lastMs + ANNOUNCE_INTERVAL_MS_MIN - this.#components.clock.monotonicMs()
    this.#schedule(announced, Math.max(0, waitMs))
  }

  forget(snapshot: CID): void {
    this.#announced.get(snapshot.toString())?.timer?.cancel()
    this.#announced.delete(snapshot.toString())
  }

  async announceHeads(ledger: string, timestamp: Uint8Array): Promise<void> {
    await this.#components.transport.gossip.publish(headsTopic(this.#init.network, ledger), encodeHeads({ v: 1, ledger, timestamp }))
  }

  stop(): void {
    this.#isStopped = true
    for (const { timer } of this.#announced.values()) timer?.cancel()
    this.#announced.clear()
    const { network } = this.#init
    for (const ledger of this.#ledgers) {
      this.#components.transport.gossip.unsubscribe(availabilityTopic(network, ledger))
      this.#components.transport.gossip.unsubscribe(headsTopic(network, ledger))
    }
  }

  #schedule(announced: Announced, delayMs: number): void {
    announced.timer?.cancel()
    announced.timer = this.#components.clock.setTimer(delayMs, () => {
      announced.lastMs = this.#components.clock.monotonicMs()
      this.#publish(announced)
      this.#schedule(announced, ANNOUNCE_INTERVAL_MS)
    })
  }

  #publish({ snapshot, ledger }: Announced): void {
    const { holdings, transport, clock, reporter } = this.#components
    const have = holdings.get(snapshot)
    if (have === undefined) return
    const complete = have.isFull()
    const message = encodeAvailability({
      v: 1,
      snapshot,
      coverage: complete ? 'complete' : have.coarse(COARSE_BITS_MAX),
      region: this.#init.region ?? '',
      load: 0,
      expiresAt: clock.now() + AVAILABILITY_TTL_MS_MAX,
      addresses: [...new Set(transport.addresses())]
        .filter((address) => address.length <= ANNOUNCED_ADDRESS_BYTES_MAX)
        .slice(0, ANNOUNCED_ADDRESSES_MAX),
    })
    transport.gossip.publish(availabilityTopic(this.#init.network, ledger), message).then(
      () => reporter.report({ type: 'announced', snapshot: snapshot.toString(), complete }),
      () => {}, // the transport is stopping: there is nobody to tell
    )
  }

  /** Malformed messages are refused, which costs whoever relayed them; honest ones that came late are only not passed on. */
  #validator(handle: (message: Uint8Array, from: PeerId) => Verdict): GossipValidator {
    return (message, from) => {
      try {
        return handle(message, from)
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error
        this.#components.reporter.report({ type: 'announcement-refused', peer: from, reason: error.message })
        return 'reject'
      }
    }
  }

  #onAvailability(message: Uint8Array, from: PeerId): Verdict {
    const { clock, neighbours } = this.#components
    const { snapshot, coverage, region, load, expiresAt, addresses } = decodeAvailability(message)
    const now = clock.now()
    if (availabilityFreshness({ v: 1, snapshot, coverage, region, load, expiresAt, addresses }, now) !== 'fresh') return 'ignore'
    neighbours.add({
      peer: from,
      snapshot: snapshot.toString(),
      complete: coverage === 'complete',
      region,
      load,
      expiresAt: Math.min(expiresAt, now + AVAILABILITY_TTL_MS_MAX),
      addresses,
    })
    return 'accept'
  }

  #onHeads(message: Uint8Array, topicLedger: string, from: PeerId): Verdict {
    const { ledger, timestamp } = decodeHeads(message)
    if (ledger !== topicLedger) return 'reject'
    this.#init.onHeads?.(ledger, timestamp, from)
    return 'accept'
  }
}
