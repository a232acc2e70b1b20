import type { SlowReason } from './download-types.ts'
import { HOST_LATE_MS_MAX, SLOWED_WINDOW_BYTES_MIN, TOTAL_WINDOW_BYTES_MAX, UNPLACED_MS_MAX } from './limits.ts'

/**
 * Backs off when this machine, and not the network, is what holds a download up: asking for more would only fill memory.
 *
 * Each look at the host halves the common window while the event loop or the disk is behind, and doubles it again while neither is.
 */
export class HostPace {
  #windowBytes = TOTAL_WINDOW_BYTES_MAX
  #reason: SlowReason | undefined

  /** Bytes that may be asked for and not yet placed, all sources together. */
  get windowBytes(): number {
    return this.#windowBytes
  }

  /** Why the window is smaller than it could be. */
  get reason(): SlowReason | undefined {
    return this.#reason
  }

  /** `lateMs`: how late a timer fired. `unplacedMs`: how long the oldest chunk that arrived has waited to lie in its place. */
  observe(lateMs: number, unplacedMs: number): void {
    const reason = lateMs > HOST_LATE_MS_MAX ? 'host-busy' : unplacedMs > UNPLACED_MS_MAX ? 'disk-slow' : undefined
    if (reason === undefined) this.#windowBytes = Math.min(TOTAL_WINDOW_BYTES_MAX, this.#windowBytes * 2)
    else this.#windowBytes = Math.max(SLOWED_WINDOW_BYTES_MIN, this.#windowBytes / 2)
    if (this.#windowBytes === TOTAL_WINDOW_BYTES_MAX) this.#reason = undefined
    else this.#reason = reason ?? this.#reason
  }
}
