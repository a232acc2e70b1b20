import type { PeerId, Transport } from '@cairn/network'
import type { Clock, Reporter } from '@cairn/runtime'
import type { Participant, RefreshOutcome, TrustKeeper } from '@cairn/swarm'
import { judgeTimestamp, TrustError } from '@cairn/trust'
import { Catalogue } from './catalogue.ts'
import type { CacheEvent } from './events.ts'
import { REFRESH_INTERVAL_MS } from './limits.ts'
import { reasonOf } from './reason.ts'
import { Wake } from './wake.ts'

export interface TrustFollowerInit {
  readonly ledgers: readonly string[] | 'all'
  /** There is a new {@link TrustFollower.catalogue}. */
  readonly onUpdated: () => void
  /** Called about every {@link REFRESH_INTERVAL_MS}. */
  readonly onRound: () => Promise<void>
}

export interface TrustFollowerComponents {
  readonly keeper: TrustKeeper
  readonly participant: Participant
  readonly transport: Transport
  readonly clock: Clock
  readonly reporter: Reporter<CacheEvent>
}

/** Keeps the trust metadata new: asks whoever connects, whoever announces a newer timestamp, and somebody now and then. */
export class TrustFollower {
  readonly #init: TrustFollowerInit
  readonly #components: TrustFollowerComponents
  readonly #wake: Wake
  #catalogue: Catalogue
  #next: PeerId | undefined
  #trouble: string | undefined

  constructor(init: TrustFollowerInit, components: TrustFollowerComponents) {
    this.#init = init
    this.#components = components
    this.#wake = new Wake(components.clock)
    this.#catalogue = new Catalogue(components.keeper.state, init.ledgers)
  }

  /** What the metadata says that was accepted last. */
  get catalogue(): Catalogue {
    return this.#catalogue
  }

  /** Why there is no newer metadata, unless the last peer asked had what verifies. */
  get trouble(): string | undefined {
    return this.#trouble
  }

  connected(peer: PeerId): void {
    this.#next = peer
    this.#wake.notify()
  }

  /** Takes an announcement, of which nothing is verified yet: anyone can make one, so a bad one costs its sender's message and no more. */
  heard(timestamp: Uint8Array, from: PeerId): void {
    const { keeper, transport, clock, reporter } = this.#components
    try {
      if (judgeTimestamp(keeper.state, timestamp, clock.now()) === 'known') return
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      // Who was away announces what is old by now; and a signature may be by a key that only the next refresh tells of.
      if (error.fault.code === 'MALFORMED') reporter.report({ type: 'announcement-refused', peer: from, reason: error.message })
      return
    }
    // Its publisher has it for sure; where only relays are connected, one of them is asked.
    if (transport.peers().includes(from)) this.#next = from
    this.#wake.notify()
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round++) {
      await this.#refresh(this.#next ?? this.#peerOf(round))
      await this.#init.onRound()
      await this.#wake.wait(REFRESH_INTERVAL_MS, signal)
    }
  }

  /** Peers take turns, because the first that answers ends a refresh: one that is behind would hide what the others have. */
  #peerOf(round: number): PeerId | undefined {
    const peers = this.#components.transport.peers()
    return peers[round % Math.max(1, peers.length)]
  }

  async #refresh(first: PeerId | undefined): Promise<void> {
    const { keeper, participant, reporter } = this.#components
    const before = keeper.state
    this.#next = undefined
    try {
      this.#trouble = troubleOf(await keeper.refresh(participant, this.#init.ledgers, first))
    } catch (error) {
      this.#trouble = reasonOf(error)
      reporter.report({ type: 'store-failed', what: 'trust', reason: this.#trouble })
    }
    if (keeper.state === before) return
    this.#catalogue = new Catalogue(keeper.state, this.#init.ledgers)
    const { ledgers, freshUntil } = this.#catalogue
    reporter.report({ type: 'trust-updated', ledgers, freshUntil: new Date(freshUntil).toISOString() })
    for (const ledger of ledgers) participant.follow(ledger)
    this.#init.onUpdated()
    if (keeper.state.timestamp !== before.timestamp) await this.#announce(keeper.state.timestamp)
  }

  async #announce(timestamp: Uint8Array | undefined): Promise<void> {
    if (timestamp === undefined) return
    const { participant } = this.#components
    // A transport that is stopping has nobody to tell.
    await Promise.allSettled(this.#catalogue.ledgers.map((ledger) => participant.announceHeads(ledger, timestamp)))
  }
}

function troubleOf(outcome: RefreshOutcome): string | undefined {
  switch (outcome.type) {
    case 'refreshed':
      return undefined
    case 'refused':
      return `${outcome.peer} has no usable metadata: ${outcome.error.message}`
    case 'no-answer':
      return 'no connected peer answers for metadata'
    default:
      return outcome satisfies never
  }
}
