import type { Clock } from '@cairn/runtime'
import { BANS_MAX } from '../limits.ts'
import type { PeerId } from '../transport.ts'

/** Added for each rejected message. Two keep a peer out of gossip's repairs, nine out of gossip altogether. */
const POINTS_PER_REJECTION = 10
/** Long enough that a peer cannot earn a fresh start by waiting between bursts, short enough to forgive a bad minute. */
const HALF_LIFE_MS = 300_000

/** How often each peer relayed what a validator rejected, fading with time. */
export class GossipPenalties {
  readonly #clock: Clock
  readonly #points = new Map<PeerId, { readonly points: number; readonly atMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Counts one rejected message against `peer`. */
  add(peer: PeerId): void {
    const points = this.of(peer) + POINTS_PER_REJECTION
    this.#points.delete(peer)
    this.#points.set(peer, { points, atMs: this.#clock.monotonicMs() })
    for (const oldest of this.#points.keys()) {
      if (this.#points.size <= BANS_MAX) break
      this.#points.delete(oldest)
    }
  }

  /** Points of `peer` now, 0 for one that did nothing wrong. */
  of(peer: PeerId): number {
    const entry = this.#points.get(peer)
    if (entry === undefined) return 0
    return entry.points * 0.5 ** ((this.#clock.monotonicMs() - entry.atMs) / HALF_LIFE_MS)
  }
}
