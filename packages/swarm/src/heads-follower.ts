import type { PeerId, Transport } from '@cairn/network'
import type { Clock } from '@cairn/runtime'
import { judgeTimestamp, TrustError } from '@cairn/trust'
import type { RefreshOutcome } from './metadata-refresh.ts'
import type { Participant } from './participant.ts'
import type { TrustKeeper } from './trust-keeper.ts'
import { Wake } from './wake.ts'

export interface HeadsFollowerInit {
  readonly ledgers: readonly string[] | 'all'
  /** How often somebody is asked, if nothing happens. */
  readonly intervalMs: number
  /** Newer metadata was accepted and is on disk. Gives the ledgers whose peers are told of it. */
  readonly onAccepted: () => readonly string[]
  /** Called about every {@link intervalMs}. */
  readonly onRound?: () => Promise<void>
  /** Somebody announced what no honest peer does. */
  readonly onRefused?: (peer: PeerId, reason: string) => void
  /** What was accepted could not be written, and is not used. */
  readonly onFailed: (error: unknown) => void
}

export interface HeadsFollowerComponents {
  readonly keeper: TrustKeeper
  readonly participant: Participant
  readonly transport: Transport
  readonly clock: Clock
}

/** Keeps the trust metadata new: asks whoever connects, whoever announces a newer timestamp, and somebody now and then. */
export class HeadsFollower {
  readonly #init: HeadsFollowerInit
  readonly #components: HeadsFollowerComponents
  readonly #wake: Wake
  #next: PeerId | undefined
  #trouble: string | undefined

  constructor(init: HeadsFollowerInit, components: HeadsFollowerComponents) {
    this.#init = init
    this.#components = components
    this.#wake = new Wake(components.clock)
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
    const { keeper, transport, clock } = this.#components
    try {
      if (judgeTimestamp(keeper.state, timestamp, clock.now()) === 'known') return
    } catch (error) {
      if (!(error instanceof TrustError)) throw error
      // Who was away announces what is old by now; and a signature may be by a key that only the next refresh tells of.
      if (error.fault.code === 'MALFORMED') this.#init.onRefused?.(from, error.message)
      return
    }
    // Its publisher has it for sure; where only relays are connected, one of them is asked.
    if (transport.peers().includes(from)) this.#next = from
    this.#wake.notify()
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let round = 0; !signal.aborted; round++) {
      await this.#refresh(this.#next ?? this.#peerOf(round))
      await this.#init.onRound?.()
      await this.#wake.wait(this.#init.intervalMs, signal)
    }
  }

  /** Peers take turns, because the first that answers ends a refresh: one that is behind would hide what the others have. */
  #peerOf(round: number): PeerId | undefined {
    const peers = this.#components.transport.peers()
    return peers[round % Math.max(1, peers.length)]
  }

  async #refresh(first: PeerId | undefined): Promise<void> {
    const { keeper, participant } = this.#components
    const before = keeper.state
    this.#next = undefined
    try {
      this.#trouble = troubleOf(await keeper.refresh(participant, this.#init.ledgers, first))
    } catch (error) {
      this.#trouble = error instanceof Error ? error.message : String(error)
      this.#init.onFailed(error)
    }
    if (keeper.state === before) return
    const ledgers = this.#init.onAccepted()
    const { timestamp } = keeper.state
    if (timestamp === undefined || timestamp === before.timestamp) return
    // A transport that is stopping has nobody to tell.
    await Promise.allSettled(ledgers.map((ledger) => participant.announceHeads(ledger, timestamp)))
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
