import type { Clock } from '@cairn/runtime'
import { BANS_MAX } from './limits.ts'
import type { PeerId } from './transport.ts'

/** Which peers are refused, and until when. */
export class BanList {
  readonly #clock: Clock
  /** Monotonic milliseconds at which each ban ends, oldest ban first. */
  readonly #endsAtMs = new Map<PeerId, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Refuses `peer` for `durationMs` from now; a ban that already lasts longer stays. */
  add(peer: PeerId, durationMs: number): void {
    const endsAtMs = Math.max(this.#clock.monotonicMs() + durationMs, this.#endsAtMs.get(peer) ?? 0)
    this.#endsAtMs.delete(peer)
    this.#endsAtMs.set(peer, endsAtMs)
    if (this.#endsAtMs.size > BANS_MAX) this.#forgetOne()
  }

  has(peer: PeerId): boolean {
    const endsAtMs = this.#endsAtMs.get(peer)
    if (endsAtMs === undefined) return false
    if (endsAtMs > this.#clock.monotonicMs()) return true
    this.#endsAtMs.delete(peer)
    return false
  }

  /** Peer ids are free to make, so the list must not grow with them: an expired ban goes first, else the oldest. */
  #forgetOne(): void {
    for (const [peer, endsAtMs] of this.#endsAtMs) {
      if (endsAtMs <= this.#clock.monotonicMs()) {
        this.#endsAtMs.delete(peer)
        return
      }
    }
    for (const peer of this.#endsAtMs.keys()) {
      this.#endsAtMs.delete(peer)
      return
    }
  }
}
