import type { PeerId, Transport } from '@cairn/network'
import type { Clock, Reporter } from '@cairn/runtime'
import { HeadsFollower, type Participant, type TrustKeeper } from '@cairn/swarm'
import { Catalogue } from './catalogue.ts'
import type { CacheEvent } from './events.ts'
import { REFRESH_INTERVAL_MS } from './limits.ts'
import { reasonOf } from './reason.ts'

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

/** Follows the metadata of the ledgers that are mirrored, and keeps what it says ready to be read. */
export class TrustFollower {
  readonly #init: TrustFollowerInit
  readonly #components: TrustFollowerComponents
  readonly #heads: HeadsFollower
  #catalogue: Catalogue

  constructor(init: TrustFollowerInit, components: TrustFollowerComponents) {
    const { reporter, keeper } = components
    this.#init = init
    this.#components = components
    this.#catalogue = new Catalogue(keeper.state, init.ledgers)
    this.#heads = new HeadsFollower(
      {
        ledgers: init.ledgers,
        intervalMs: REFRESH_INTERVAL_MS,
        onAccepted: () => this.#accepted(),
        onRound: init.onRound,
        onRefused: (peer, reason) => reporter.report({ type: 'announcement-refused', peer, reason }),
        onFailed: (error) => reporter.report({ type: 'store-failed', what: 'trust', reason: reasonOf(error) }),
      },
      components,
    )
  }

  /** What the metadata says that was accepted last. */
  get catalogue(): Catalogue {
    return this.#catalogue
  }

  /** Why there is no newer metadata, unless the last peer asked had what verifies. */
  get trouble(): string | undefined {
    return this.#heads.trouble
  }

  connected(peer: PeerId): void {
    this.#heads.connected(peer)
  }

  /** Takes an announcement; see {@link HeadsFollower.heard}. */
  heard(timestamp: Uint8Array, from: PeerId): void {
    this.#heads.heard(timestamp, from)
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#heads.run(signal)
  }

  #accepted(): readonly string[] {
    const { keeper, participant, reporter } = this.#components
    this.#catalogue = new Catalogue(keeper.state, this.#init.ledgers)
    const { ledgers, freshUntil } = this.#catalogue
    reporter.report({ type: 'trust-updated', ledgers, freshUntil: new Date(freshUntil).toISOString() })
    for (const ledger of ledgers) participant.follow(ledger)
    this.#init.onUpdated()
    return ledgers
  }
}
