import type { PeerId } from '@cairn/network'
import type { CID } from '@cairn/protocol'
import type { Clock, Instant } from '@cairn/runtime'
import { NEIGHBOURS_MAX } from './limits.ts'

/** What a peer said of itself on gossip. Authenticated (it said so), not verified (it may not be so). */
export interface Neighbour {
  readonly peer: PeerId
  readonly snapshot: string
  readonly complete: boolean
  readonly region: string
  readonly load: number
  readonly expiresAt: Instant
  readonly addresses: readonly string[]
}

/** Who is said to hold or fetch which snapshot, until the announcement expires. */
export class Neighbours {
  readonly #clock: Clock
  readonly #known = new Map<string, Neighbour>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Remembers an announcement. Only addresses of the announcing peer itself are kept, so nobody can send dials to a third party. */
  add(neighbour: Neighbour): void {
    const key = `${neighbour.snapshot}/${neighbour.peer}`
    this.#known.delete(key)
    const own = neighbour.addresses.filter((address) => address.endsWith(`/p2p/${neighbour.peer}`))
    this.#known.set(key, { ...neighbour, addresses: own })
    this.#dropExpired()
    while (this.#known.size > NEIGHBOURS_MAX) this.#known.delete(this.#known.keys().next().value!)
  }

  /** Peers of `snapshot`, the most recent announcement first. */
  of(snapshot: CID): readonly Neighbour[] {
    this.#dropExpired()
    const key = snapshot.toString()
    return [...this.#known.values()].filter((neighbour) => neighbour.snapshot === key).reverse()
  }

  #dropExpired(): void {
    const now = this.#clock.now()
    for (const [key, { expiresAt }] of this.#known) if (expiresAt <= now) this.#known.delete(key)
  }
}
