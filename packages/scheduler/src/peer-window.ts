import type { Instant } from '@cairn/runtime'
import { PEER_WINDOW_BYTES_MAX, PEER_WINDOW_BYTES_MIN, WINDOW_SPAN_MS } from './limits.ts'

/** Width of one slot of the rate measurement. */
const SLOT_MS = 100
const SLOTS = WINDOW_SPAN_MS / SLOT_MS

/**
 * How many bytes may be in flight from one peer: about {@link WINDOW_SPAN_MS} of what it delivers.
 *
 * It starts at the minimum and grows by what arrives, doubling each round trip, until it is twice the measured
 * rate times the span; from then on it follows the rate.
 */
export class PeerWindow {
  #bytes = PEER_WINDOW_BYTES_MIN
  #inFlightBytes = 0
  readonly #slots = new Float64Array(SLOTS)
  #slot = 0
  #startedMs: Instant | undefined

  get inFlightBytes(): number {
    return this.#inFlightBytes
  }

  get windowBytes(): number {
    return this.#bytes
  }

  /** Bytes that may still be asked for. Never negative. */
  get roomBytes(): number {
    return Math.max(0, this.#bytes - this.#inFlightBytes)
  }

  requested(bytes: number): void {
    this.#inFlightBytes += bytes
  }

  /** Something asked for will not come: refused, cancelled or lost with the peer. */
  released(bytes: number): void {
    this.#inFlightBytes = Math.max(0, this.#inFlightBytes - bytes)
  }

  received(bytes: number, nowMs: number): void {
    this.released(bytes)
    this.#advance(nowMs)
    const slot = this.#slot % SLOTS
    this.#slots[slot] = this.#slots[slot]! + bytes
    const targetBytes = (2 * this.bytesPerSecond(nowMs) * WINDOW_SPAN_MS) / 1000
    const grown = this.#bytes + bytes
    this.#bytes = Math.min(
      PEER_WINDOW_BYTES_MAX,
      Math.max(PEER_WINDOW_BYTES_MIN, Math.min(grown, Math.max(targetBytes, PEER_WINDOW_BYTES_MIN))),
    )
  }

  /** Rate over the last second, or over the time since the first byte when that is shorter. */
  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs)
    let sum = 0
    for (const bytes of this.#slots) sum += bytes
    const spanMs = Math.min(WINDOW_SPAN_MS, Math.max(SLOT_MS, nowMs - (this.#startedMs ?? nowMs)))
    return (sum * 1000) / spanMs
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS)
    if (this.#startedMs === undefined) {
      this.#startedMs = nowMs
      this.#slot = slot
    }
    const steps = Math.min(SLOTS, Math.max(0, slot - this.#slot))
    for (let i = 1; i <= steps; i++) this.#slots[(this.#slot + i) % SLOTS] = 0
    if (slot > this.#slot) this.#slot = slot
  }
}
